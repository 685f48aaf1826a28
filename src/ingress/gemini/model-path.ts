import type { FastifyRequest } from 'fastify'

/**
 * The paths of a model, with what follows its name. Ids such as `vendor/model` hold slashes, and `models/` may stand before
 * them once more; the router has no pattern for that, so there is a path for each depth, and only the first is documented.
 */
export function modelPaths(method = ''): { path: string; hide: boolean }[] {
  const suffix = method === '' ? '' : `::${method}`
  const before = ['', ':first/', ':first/:second/', ':first/:second/:third/']
  return before.map((folders) => ({
    path: `/models/${folders}:model(.+)${suffix}`,
    hide: folders !== '',
  }))
}

/** The model that a request names in its path. */
export function modelOf(request: FastifyRequest): string {
  const { first, second, third, model } = request.params as Record<string, string | undefined>
  const name = [first, second, third, model].filter((part) => part !== undefined).join('/')
  return name.replace(/^models\//, '')
}
