import fc from 'fast-check'

/** Text of every script, and what is no text at all. */
export function anyText(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
    fc.string({ unit: fc.constantFrom(...'女の子がカメラーねこ猫窓辺〆') }),
    fc.string({ unit: fc.constantFrom(...'แมวน่ารักขแมຂ້ອຍកကြော') }),
    fc.constantFrom('油画女孩', 'vlog', 'ＡＮＤ', '"', '*', 'NEAR(', '🦊', "';--", '고양이', ' '),
  )
  return fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
}
