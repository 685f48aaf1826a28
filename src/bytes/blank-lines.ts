const LF = 0x0a
const CR = 0x0d

/** Finds the blank lines between the events of a stream that comes in pieces; lines end in LF, CR or CRLF. */
export class BlankLines {
  /** Whether the line that the next piece goes on with is empty so far. */
  #isEmpty = true
  #isAfterCarriageReturn = false

  /** Where the first event that ends in the piece ends, behind its blank line; -1 when none does. */
  find(piece: Buffer, from = 0): number {
    let at = this.#isAfterCarriageReturn && piece[from] === LF ? from + 1 : from
    this.#isAfterCarriageReturn &&= from === piece.length
    for (;;) {
      const end = lineEnd(piece, at)
      if (end === -1) {
        this.#isEmpty &&= at === piece.length
        return -1
      }
      const isBlank = this.#isEmpty && end === at
      at = end + (piece[end] === CR && piece[end + 1] === LF ? 2 : 1)
      this.#isAfterCarriageReturn = piece[end] === CR && at === piece.length && at === end + 1
      this.#isEmpty = true
      if (isBlank) return at
    }
  }

  /** Where the last of them ends; `from` when none does. Only where an event begins at `from`. */
  findLast(piece: Buffer, from: number): number {
    if (piece.indexOf(CR, from) !== -1 || this.#isAfterCarriageReturn) return this.#findEach(piece, from)
    const pair = piece.lastIndexOf('\n\n')
    const end = pair < from ? from : pair + 2
    this.#isEmpty = end === piece.length || piece[piece.length - 1] === LF
    return end
  }

  #findEach(piece: Buffer, from: number): number {
    let last = from
    for (let end = this.find(piece, from); end !== -1; end = this.find(piece, end)) last = end
    return last
  }
}

function lineEnd(piece: Buffer, from: number): number {
  const feed = piece.indexOf(LF, from)
  const carriage = (feed === -1 ? piece : piece.subarray(0, feed)).indexOf(CR, from)
  return carriage === -1 ? feed : carriage
}
