import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

/** A picture with large and small structure, the same each time. */
export function scene(width: number, height: number): Sharp {
  const blob = (x: number, y: number, colour: string) =>
    `<circle cx="${x}%" cy="${y}%" r="20%" fill="${colour}"/>`
  const content =
    blob(20, 30, '#f4a340') + blob(70, 25, '#2f7f86') + blob(45, 80, '#8d3b72') + blob(85, 85, '#f2e3c6')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#35507a"/>${content}</svg>`
  return sharp(Buffer.from(svg)).removeAlpha()
}

/** One colour. */
export function flat(width: number, height: number, background: string): Sharp {
  return sharp({ create: { width, height, channels: 3, background } })
}

/** A well-formed PNG whose header claims a size that it does not hold. */
export function hugePng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const whole = Buffer.alloc(body.length + 8)
  whole.writeUInt32BE(data.length, 0)
  whole.set(body, 4)
  whole.writeUInt32BE(crc32(body), body.length + 4)
  return whole
}
