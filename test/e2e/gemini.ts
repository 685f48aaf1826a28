import { type Content, type GenerateContentResponse, GoogleGenAI, type Part } from '@google/genai'
import { json, type TestPictor } from '../pictor.ts'
import { paint, whole } from '../upstreams/pictures.ts'

/** The official SDK, pointed at a Pictor; it says `v1` where nothing else is asked of it. */
export const gemini = ({ url, key }: Pick<TestPictor, 'url' | 'key'>, apiVersion?: string): GoogleGenAI =>
  new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url }, ...(apiVersion ? { apiVersion } : {}) })

/** The parts of the first candidate. */
export const partsOf = (response: GenerateContentResponse | undefined): Part[] =>
  response?.candidates?.[0]?.content?.parts ?? []

/** The pictures in these parts, decoded. */
export const picturesIn = (parts: readonly Part[]): Buffer[] =>
  parts.flatMap(({ inlineData }) => (inlineData?.data ? [Buffer.from(inlineData.data, 'base64')] : []))

/** A content of the user. */
export const fromUser = (...parts: Part[]): Content => ({ role: 'user', parts })

/** A picture as a part; `bytes` at least. */
export async function pictureOf(mark: string, bytes?: number): Promise<Buffer> {
  return whole(await paint({ width: 64, height: 64, format: 'png', mark, bytes }))
}

export const inline = (picture: Buffer, mimeType = 'image/png'): Part => ({
  inlineData: { mimeType, data: picture.toString('base64') },
})

/** A raw request, as clients without the SDK send it. */
export const post = (pictor: TestPictor, path: string, body: unknown): Promise<Response> =>
  pictor.fetch(`/v1beta/models/${path}`, json(body))

/** A picture asked for in words. */
export const words = (text: string) => ({ contents: [{ parts: [{ text }] }] })
