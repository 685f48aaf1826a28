import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * Sends a long body chunk by chunk and asks for the next one only when the last has left, so that its source can use one buffer
 * for all. When the client leaves, the source is ended; when the source fails, the connection breaks, because
 * the status is out already.
 */
export async function sendFlushed(reply: FastifyReply, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const { raw } = reply.hijack()
  raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders)
  try {
    for await (const chunk of chunks) await flushed(raw, chunk)
    raw.end()
  } catch (error) {
    const hasLeft = raw.destroyed
    raw.destroy()
    if (!hasLeft) reply.log.error({ reqId: reply.request.id, err: error }, 'a reply was cut short')
  }
}

/** Rejects when the client is gone. */
function flushed(raw: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(new Error('the client has left'))
    if (raw.destroyed) return onClose()
    raw.once('close', onClose)
    raw.write(chunk, (error) => {
      raw.off('close', onClose)
      if (error) reject(error)
      else resolve()
    })
  })
}
