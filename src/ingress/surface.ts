import type { FastifyRequest } from 'fastify'
import type { Keys } from '../access/keys.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { PictureServer } from '../library/serve.ts'

/** What the routes of every surface are built from. */
export interface Surface {
  gateway: Gateway
  keys: Keys
  pictures: PictureServer
  settings: SurfaceSettings
}

export interface SurfaceSettings {
  authentication: 'on' | 'off'
  /** Reply form of the images API where neither the request nor the key says one. */
  imagesDefaultFormat: 'url' | 'b64_json'
  /** Keep long JSON replies alive with leading white space. */
  keepAliveJson: boolean
  /** Whether pictures of other sites may be fetched. */
  allowExternalImages: boolean
  /** Most WebSockets that may listen at the same time. */
  webSocketLimit: number
  webhookSecret?: string | undefined
  /** Whether a chat with a model that only writes may be answered with a picture. */
  chatPictures: 'auto' | 'always' | 'never'
  chatImageFormat: 'markdown' | 'parts' | 'content' | 'base64'
  chatProgress: 'content' | 'reasoning' | 'off'
  chatLanguage: 'auto' | 'zh' | 'en'
  /** The model that answers for the gateway's alias when no picture is asked for; undefined: the first that there is. */
  chatModel?: string | undefined
  /** Whether pictures that a chat upstream only links to are fetched and kept. */
  storeUpstreamUrls: boolean
  /** Our address as clients know it, without a trailing slash; undefined: as the request says. */
  publicUrl?: string | undefined
}

/** Our address for links in the reply to a request. */
export const baseUrlOf = (surface: Surface, request: FastifyRequest): string =>
  surface.settings.publicUrl ?? `${request.protocol}://${request.host}`
