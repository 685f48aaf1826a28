import { once } from 'node:events'
import { WebSocket } from 'ws'
import { median } from './measure.ts'

/** `grok-direct.ts <url> <seconds>` prints the median time in ms of one picture after the other, with nothing in between. */
const [url = '', seconds = '1'] = process.argv.slice(2)

/** The start, the picture and the end. */
const MESSAGES = 3

async function draw(): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  let messages = 0
  const drawn = new Promise<void>((resolve) => {
    socket.on('message', () => {
      messages += 1
      if (messages === MESSAGES) resolve()
    })
  })
  await once(socket, 'open')
  socket.send('{"type":"reset"}')
  socket.send('{"type":"input_text"}')
  await drawn
  socket.close()
}

const times: number[] = []
for (const deadline = performance.now() + Number(seconds) * 1000; performance.now() < deadline; ) {
  const begun = performance.now()
  await draw()
  times.push(performance.now() - begun)
}
console.log(JSON.stringify({ p50: median(times), pictures: times.length }))
