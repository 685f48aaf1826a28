/**
 * Prompts made of word lists, English and Chinese, like those that people write: a subject, a place, a style, then tags. Words are
 * drawn by Zipf's law, so some stand in every other prompt and most in very few. The same number gives the same prompt.
 */
export function promptOf(number: number): string {
  const draw = drawFrom(number + 1)
  return draw() < 0.5 ? english(draw) : chinese(draw)
}

type Draw = () => number

function english(draw: Draw): string {
  const { subjects, qualities, places, styles, tags } = ENGLISH
  const subject = `a ${zipf(draw, qualities)} ${zipf(draw, subjects)} and the ${zipf(draw, subjects)} of ${name(draw)}`
  const parts = [`${subject} in the ${zipf(draw, places)}`, `${zipf(draw, styles)} of ${name(draw)}`]
  return [...parts, ...many(draw, tags)].join(', ')
}

function chinese(draw: Draw): string {
  const { subjects, qualities, places, styles, tags } = CHINESE
  const subject = `一${zipf(draw, qualities)}的${zipf(draw, subjects)}和${zipf(draw, subjects)}在${zipf(draw, places)}`
  const parts = [`${subject}，${name(draw)}`, `${zipf(draw, styles)}风格`]
  const last = draw() < 0.3 ? many(draw, ENGLISH.tags) : []
  return [...parts, ...many(draw, tags), ...last].join('，')
}

const many = (draw: Draw, words: readonly string[]) =>
  Array.from({ length: 2 + Math.floor(draw() * 10) }, () => zipf(draw, words))

/** One of 50,000 made-up names: the rare words of the index. */
function name(draw: Draw): string {
  let rank = Math.floor(50_000 ** draw())
  let word = ''
  for (; rank > 0 || word.length < 4; rank = Math.floor(rank / SYLLABLES.length))
    word += SYLLABLES[rank % SYLLABLES.length]
  return word
}

/** The word at a place as often as one divided by the place. */
const zipf = (draw: Draw, words: readonly string[]) =>
  words[Math.floor((words.length + 1) ** draw()) - 1] ?? ''

/** A small generator (mulberry32) of numbers from 0 to 1. */
function drawFrom(seed: number): Draw {
  let state = Math.imul(seed, 0x9e3779b1)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const list = (text: string) => text.split(' ')

const SYLLABLES = list('ka lo mi ren tu sa vel dor in ath qu bel nor ze pi ul hem ra os fen')

const ENGLISH = {
  subjects: list(
    'girl cat woman man dog city portrait landscape dragon robot castle fox house bird horse warrior flower tree knight astronaut car ship wolf owl tiger lion lighthouse mountain river child wizard angel samurai fish butterfly train bridge cottage violin clock whale rabbit bear elephant phoenix temple teapot bicycle lantern umbrella piano peacock turtle hedgehog octopus sailor baker dancer monk giant fairy mermaid pirate',
  ),
  qualities: list(
    'beautiful cute young old detailed dark golden small red blue white black colourful ancient futuristic mysterious lonely happy giant glowing elegant fluffy sleeping broken wooden silver crystal frozen burning quiet wild gentle proud curious sad wise tiny tall fierce graceful',
  ),
  places: list(
    'forest city night garden snow rain sea desert mountains street room sky sunset window river field morning ruins space fog library market harbour kitchen station valley cave meadow island palace village swamp canyon jungle tower attic bakery museum',
  ),
  styles: [
    'oil painting',
    'watercolour',
    'photograph',
    'digital art in the style',
    'anime',
    'pencil sketch',
    'concept art',
    'pixel art',
    'woodcut',
    'ink drawing',
    'low poly render',
    'art nouveau poster',
    'stained glass',
    'charcoal study',
    'fresco',
    'paper collage',
    'linocut',
    'mosaic',
    'gouache',
    'pastel',
  ],
  tags: [
    'masterpiece',
    'best quality',
    'highly detailed',
    '8k',
    'cinematic lighting',
    'sharp focus',
    'trending',
    'intricate',
    'soft light',
    'depth of field',
    'volumetric light',
    'ultra realistic',
    'vibrant colours',
    'dramatic shadows',
    'wide angle',
    'close up',
    'studio lighting',
    'bokeh',
    'golden hour',
    'symmetrical',
    'minimalist',
    'full body',
    'high contrast',
    'film grain',
    'vlog cover',
    'isometric',
    'monochrome',
    'double exposure',
    'rim light',
    'tilt shift',
    'macro',
    'long exposure',
    'surreal',
    'baroque',
    'art deco',
    'pastel palette',
    'noir',
    'vaporwave',
    'gothic',
    'ukiyo-e',
  ],
}

const CHINESE = {
  subjects: list(
    '女孩 猫 少女 男孩 小狗 城市 山水 龙 机器人 城堡 狐狸 房子 小鸟 马 武士 花朵 大树 骑士 宇航员 汽车 帆船 狼 猫头鹰 老虎 狮子 灯塔 雪山 河流 孩子 魔法师 天使 仙女 金鱼 蝴蝶 火车 石桥 小屋 小提琴 时钟 鲸鱼 兔子 熊猫 大象 凤凰 寺庙 茶壶 自行车 灯笼 雨伞 钢琴 孔雀 乌龟 刺猬 章鱼 水手 面包师 舞者 和尚 巨人 美人鱼 海盗',
  ),
  qualities: list(
    '只可爱 个美丽 位年轻 位古老 个神秘 只金色 个小小 只红色 个蓝色 只白色 个黑色 个彩色 个古代 个未来 个孤独 个快乐 个巨大 只发光 个优雅 只毛茸茸 只睡觉 个破碎 个木制 个银色 个水晶 个冰冻 个燃烧 个安静 个狂野 个温柔 个骄傲 个好奇 个悲伤 个聪明 个迷你 个高大 个凶猛 个飘逸',
  ),
  places: list(
    '森林里 城市中 夜晚 花园里 雪地上 雨中 海边 沙漠中 山顶 街道上 房间里 天空下 夕阳下 窗台上 河边 田野里 清晨 废墟中 太空中 雾中 图书馆 市场 港口 厨房 车站 山谷 洞穴 草地上 小岛上 宫殿里 村庄 沼泽 峡谷 丛林 塔楼 阁楼 面包店 博物馆',
  ),
  styles: list(
    '油画 水彩 写实 动漫 水墨 素描 国画 赛博朋克 像素 版画 浮世绘 低多边形 新艺术 彩色玻璃 炭笔 壁画 剪纸 木刻 马赛克 水粉 粉彩',
  ),
  tags: list(
    '高清 最佳质量 细节丰富 电影光效 写实绘画创作 柔和光线 景深 超现实 色彩鲜艳 光影对比 广角 特写 工作室灯光 散景 黄金时刻 对称构图 极简 全身像 高对比度 胶片颗粒 视频封面 等距视角 黑白 双重曝光 轮廓光 移轴摄影 微距 长曝光 梦幻 巴洛克 装饰艺术 柔和配色 暗黑 蒸汽波 哥特 中国风',
  ),
}
