// An S3 server that keeps its objects in a folder, for the tests: `node scripts/s3-server.mjs <folder> <port>`.
// It knows one user, S3RVER with the same word as secret, checks every signature, and has one bucket, `pictor`.
import S3rver from '@20minutes/s3rver'
import v4 from '@20minutes/s3rver/lib/signature/v4.js'
import './leave-with-parent.mjs'

/** The path of each request, by its headers, which is all that whoever checks a signature is given. */
const paths = new WeakMap()

// Clients sign the path as they send it, also when the bucket's name ends with a slash; the server forgets that slash.
const { getStringToSign } = v4
v4.getStringToSign = (request, signature) => {
  const uri = paths.get(request.headers)?.endsWith('/') ? `${request.uri.replace(/\/$/, '')}/` : request.uri
  return getStringToSign({ ...request, uri }, signature)
}

const [directory, port] = process.argv.slice(2)
const server = new S3rver({
  address: '127.0.0.1',
  port: Number(port),
  directory,
  silent: true,
  configureBuckets: [{ name: 'pictor' }],
})
server.middleware.unshift((context, next) => {
  paths.set(context.headers, context.path)
  return next()
})
await server.run()
