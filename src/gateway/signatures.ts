import type { Spooled } from '../bytes/spooled.ts'
import { findSignatures } from '../library/find.ts'
import type { Library } from '../library/library.ts'
import type { Inputs } from '../providers/provider.ts'

/** What upstreams want back with the pictures they drew: as the caller sent it, else as the library knows it. */
export async function signaturesOf(
  library: Library,
  owner: string,
  images: readonly Spooled[],
  sent: Inputs['signatures'] = new Map(),
): Promise<Inputs['signatures']> {
  const unknown = images.map(({ sha256 }) => sha256).filter((sha256) => !sent.has(sha256))
  if (unknown.length === 0) return sent
  return new Map([...(await findSignatures(library, owner, unknown)), ...sent])
}
