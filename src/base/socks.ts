import { SocksClient } from 'socks'
import { buildConnector } from 'undici'
import { numericHost } from './address-guard.ts'

/**
 * Connects through a SOCKS5 proxy, which looks names up itself.
 * @param proxy `socks5://` or `socks5h://`, with user and password if need be
 * @param timeout milliseconds until the way to the destination is open
 */
export function socksConnector(proxy: URL, timeout: number): buildConnector.connector {
  const encrypt = buildConnector({ allowH2: false, timeout })
  return (options, callback) => {
    SocksClient.createConnection({
      command: 'connect',
      timeout,
      proxy: {
        type: 5,
        host: numericHost(proxy.hostname) ?? proxy.hostname,
        port: Number(proxy.port || 1080),
        ...credentials(proxy),
      },
      destination: {
        host: numericHost(options.hostname) ?? options.hostname,
        port: Number(options.port || (options.protocol === 'https:' ? 443 : 80)),
      },
    }).then(
      ({ socket }) => {
        socket.setNoDelay()
        if (options.protocol === 'https:') encrypt({ ...options, httpSocket: socket }, callback)
        else callback(null, socket)
      },
      (error: Error) => callback(new Error(`the SOCKS5 proxy: ${error.message}`), null),
    )
  }
}

function credentials({ username, password }: URL) {
  if (username === '') return {}
  return { userId: decodeURIComponent(username), password: decodeURIComponent(password) }
}
