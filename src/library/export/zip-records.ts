/** What a reader must know of an entry. */
export interface ZipEntry {
  /** With `/` between folders. */
  name: string
  bytes: number
  crc32: number
  /** Ms since the epoch. */
  modifiedAt: number
}

/** Stands in front of an entry's bytes. */
export function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name)
  const isLarge = entry.bytes >= MAX_32
  const extra = Buffer.concat([
    timestamp(entry.modifiedAt),
    isLarge ? zip64Extra([entry.bytes, entry.bytes]) : NOTHING,
  ])
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  writeFacts(header, 4, entry, name, extra)
  return Buffer.concat([header, name, extra])
}

/** The entry's line in the directory at the end. @param offset where its local header begins */
export function directoryRecord(entry: ZipEntry, offset: number): Buffer {
  const name = Buffer.from(entry.name)
  const large = [
    ...(entry.bytes >= MAX_32 ? [entry.bytes, entry.bytes] : []),
    ...(offset >= MAX_32 ? [offset] : []),
  ]
  const extra = Buffer.concat([timestamp(entry.modifiedAt), large.length > 0 ? zip64Extra(large) : NOTHING])
  const record = Buffer.alloc(46)
  record.writeUInt32LE(0x02014b50, 0)
  record.writeUInt16LE((UNIX << 8) | ZIP64_VERSION, 4)
  writeFacts(record, 6, entry, name, extra)
  // Comment, disk and internal attributes stay 0.
  record.writeUInt32LE(REGULAR_FILE, 38)
  record.writeUInt32LE(Math.min(offset, MAX_32), 42)
  return Buffer.concat([record, name, extra])
}

/** What the directory comes to; offsets and sizes in bytes. */
export interface Directory {
  entries: number
  offset: number
  bytes: number
}

/** The end of the archive: where its directory is, twice where the old fields are too small for it. */
export function endOfArchive(directory: Directory): Buffer {
  const { entries, offset, bytes } = directory
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(entries, MAX_16), 8)
  end.writeUInt16LE(Math.min(entries, MAX_16), 10)
  end.writeUInt32LE(Math.min(bytes, MAX_32), 12)
  end.writeUInt32LE(Math.min(offset, MAX_32), 16)
  const isLarge = entries >= MAX_16 || bytes >= MAX_32 || offset >= MAX_32
  return isLarge ? Buffer.concat([zip64End(directory), end]) : end
}

/** A field with this value says that the true one stands in the ZIP64 field. */
const MAX_16 = 0xffff
const MAX_32 = 0xffffffff
const UNIX = 3
const ZIP64_VERSION = 45
const PLAIN_VERSION = 20
const UTF8_NAMES = 0x0800
/** Unix mode `rw-r--r--`. */
const REGULAR_FILE = 0o100644 * 0x10000
const NOTHING = Buffer.alloc(0)

/** The fields that both headers share, from the version needed to the length of the extra fields. Method 0 is "stored". */
function writeFacts(target: Buffer, at: number, entry: ZipEntry, name: Buffer, extra: Buffer): void {
  const isLarge = extra.length > TIMESTAMP_BYTES
  target.writeUInt16LE(isLarge ? ZIP64_VERSION : PLAIN_VERSION, at)
  target.writeUInt16LE(UTF8_NAMES, at + 2)
  target.writeUInt32LE(dosTime(entry.modifiedAt), at + 6)
  target.writeUInt32LE(entry.crc32, at + 10)
  target.writeUInt32LE(Math.min(entry.bytes, MAX_32), at + 14)
  target.writeUInt32LE(Math.min(entry.bytes, MAX_32), at + 18)
  target.writeUInt16LE(name.length, at + 22)
  target.writeUInt16LE(extra.length, at + 24)
}

const TIMESTAMP_BYTES = 9

/** The moment in s since the epoch; the older field below knows no time zone. */
function timestamp(modifiedAt: number): Buffer {
  const extra = Buffer.alloc(TIMESTAMP_BYTES)
  extra.writeUInt16LE(0x5455, 0)
  extra.writeUInt16LE(5, 2)
  extra.writeUInt8(1, 4)
  extra.writeUInt32LE(Math.min(Math.max(0, Math.floor(modifiedAt / 1000)), MAX_32), 5)
  return extra
}

/** Years from 1980 to 2107, steps of two seconds; in UTC. */
function dosTime(modifiedAt: number): number {
  const time = new Date(Math.min(Math.max(modifiedAt, DOS_BEGIN), DOS_END))
  const date = ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate()
  const clock = (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1)
  return date * 0x10000 + clock
}

const DOS_BEGIN = Date.UTC(1980, 0, 1)
const DOS_END = Date.UTC(2107, 11, 31, 23, 59, 58)

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8)
  extra.writeUInt16LE(0x0001, 0)
  extra.writeUInt16LE(values.length * 8, 2)
  values.forEach((value, index) => {
    extra.writeBigUInt64LE(BigInt(value), 4 + index * 8)
  })
  return extra
}

function zip64End({ entries, offset, bytes }: Directory): Buffer {
  const end = Buffer.alloc(56 + 20)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(44n, 4)
  end.writeUInt16LE((UNIX << 8) | ZIP64_VERSION, 12)
  end.writeUInt16LE(ZIP64_VERSION, 14)
  end.writeBigUInt64LE(BigInt(entries), 24)
  end.writeBigUInt64LE(BigInt(entries), 32)
  end.writeBigUInt64LE(BigInt(bytes), 40)
  end.writeBigUInt64LE(BigInt(offset), 48)
  // The locator, by which the record above is found from the end of the file.
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(offset + bytes), 64)
  end.writeUInt32LE(1, 72)
  return end
}
