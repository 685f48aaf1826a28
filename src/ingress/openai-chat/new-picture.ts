/**
 * Wording by which a user asks for a picture that has nothing to do with those before. A pattern of each language;
 * documented in docs/chat.md.
 */
export const NEW_PICTURE: readonly RegExp[] = [
  // 重新画, 重画, 重新绘制
  /重新?[画畫]|重新[绘繪]/,
  // 重新生成一张, 重新来一幅
  /重新(?:生成|创作|創作|设计|設計|来|來|做)一?[张張幅个個]/,
  // 新画一张, 另画, 另外再画
  /新[画畫绘繪][一两兩几幾]?[张張幅个個]|另外?(?:再|给我|給我)?[画畫绘繪]/,
  // 再画一张新的, 来一张新的, 换一张新图
  /[画畫绘繪成来來做换換要]一?[张張幅个個](?:全新|新)的?(?=[图圖画畫照插]|[^\p{Script=Han}]|$)/u,
  // 全新的图, 一张新图
  /全新的?(?:[图圖画畫]|照片|插[图圖画畫]|作品)|一[张張幅]新的?(?:[图圖画畫]|照片|插[图圖画畫])/,
  // 从头开始, 从零开始
  /[从從][头頭零](?:开始|開始|再来|再來|来过|來過)/,
  // 不要参考上一张, 忽略之前的图
  /(?:不要|不用|无需|無需|别|別|忽略|忘掉|抛开)(?:再)?(?:参考|參考|沿用|使用|基于|基於|管)?(?:上一?|前一?|之前|刚才|剛才)的?[面那]?[张張幅]?的?(?:[图圖画畫张張幅]|照片)/,
  word(
    '(?:brand[- ])?new (?:image|picture|pic|photo|illustration|drawing|painting|sketch|artwork|one)(?! frame)',
  ),
  word(
    '(?:completely |entirely |totally )?(?:different|unrelated|fresh) (?:image|picture|photo|illustration|drawing|painting)',
  ),
  word('start(?:ing)? (?:all )?(?:over|afresh|anew|again)|from scratch'),
  word(
    '(?:forget|ignore|discard|without(?: using)?|(?:do not|don.?t) use) (?:about )?(?:all )?(?:of )?(?:the |that |this |my )?(?:previous|last|earlier|old|first|other) (?:image|picture|photo|illustration|drawing|painting|one)s?',
  ),
]

/** Whether a text asks for a picture that is drawn from none of those before. */
export const wantsNewPicture = (text: string): boolean => NEW_PICTURE.some((pattern) => pattern.test(text))

function word(pattern: string): RegExp {
  return new RegExp(`(?<![\\p{Script=Latin}\\d_-])(?:${pattern})(?![\\p{Script=Latin}\\d_-])`, 'iu')
}
