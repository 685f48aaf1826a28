import type OpenAI from 'openai'

/** A reply with our own fields, which the SDK does not know of. */
export type ImagesReply = OpenAI.ImagesResponse & {
  data: (OpenAI.Image & { image_id: string; image_url: string })[]
  warnings?: { param?: string; message: string }[]
}

/** Asks through the SDK, which sends fields that it does not know as they are. */
export const generateWith = async (openai: OpenAI, body: Record<string, unknown>): Promise<ImagesReply> =>
  (await openai.images.generate(body as unknown as OpenAI.ImageGenerateParamsNonStreaming)) as ImagesReply
