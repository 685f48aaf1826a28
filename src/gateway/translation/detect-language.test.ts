import { expect, test } from 'vitest'
import { detectLanguage } from './detect-language.ts'

/** Prompts by the language that is to be found in them. */
const PROMPTS: Record<string, readonly string[]> = {
  zh: [
    '一只猫',
    '赛博朋克风格的城市夜景，霓虹灯，雨天',
    '霧中的燈塔，水彩畫',
    '画一只猫 in 8k',
    '写着"HELLO WORLD AND WELCOME"的霓虹灯',
    '优の良品的包装设计，极简风格，白色背景',
  ],
  ja: ['雪の中の狐', '東京都庁の夜景、水彩画', 'カタカナ', 'ラーメン屋の看板'],
  ko: ['눈 속의 여우', '고양이', '大韓民國의 수도 서울 야경', '네온 불빛의 city'],
  ru: ['рыжая лиса в снегу', 'кот', 'портрет девушки, масло', 'подъезд старого дома'],
  uk: ['їжак у тумані', 'руда лисиця у лісі', 'біла кішка'],
  be: ['белы кот у снезе, воўк'],
  bg: ['български град през зимата'],
  sr: ['бела мачка у снегу и њена љубав'],
  kk: ['қар үстіндегі түлкі'],
  ar: ['قطة بيضاء في الثلج'],
  fa: ['گربه سفید در برف', 'یک گل'],
  ur: ['برف میں سفید بلی ہے'],
  he: ['חתול לבן בשלג'],
  el: ['μια λευκή γάτα στο χιόνι'],
  th: ['แมวสีขาวในหิมะ'],
  hi: ['बर्फ में सफेद बिल्ली'],
  bn: ['তুষারে সাদা বিড়াল'],
  ta: ['பனியில் வெள்ளை பூனை'],
  te: ['మంచులో తెల్ల పిల్లి'],
  km: ['ឆ្មាស'],
  my: ['ကြောင်ဖြူ'],
  ka: ['თეთრი კატა თოვლში'],
  hy: ['սպիտակ կատու'],
  am: ['ነጭ ድመት'],
  vi: ['một con mèo trắng trong tuyết', 'phong cảnh núi rừng, tranh sơn dầu'],
  de: ['eine Katze im Schnee', 'ein Leuchtturm im Nebel, Aquarell', 'der Hund auf dem Dach'],
  fr: ['un renard roux dans la neige', 'coucher de soleil sur la mer'],
  es: ['un gato blanco en la nieve', 'retrato de una mujer anciana con luz dramática'],
  pt: ['um gato branco na neve, pintura a óleo', 'pôr do sol com balões'],
  it: ['una volpe rossa nella neve'],
  nl: ['een witte kat in de sneeuw'],
  sv: ['en vit katt på ett tak och i snön'],
  tr: ['karda beyaz bir kedi ve ağaç', 'ışıklı şehir'],
  pl: ['biały kot w śniegu'],
  cs: ['bílá kočka ve sněhu, pohled z řeky'],
  hu: ['egy fehér macska és egy őz'],
  ro: ['o pisică albă în zăpadă'],
  id: ['seekor kucing putih di salju'],
  en: [
    'a cat',
    'cat',
    'sushi',
    'a red fox in the snow',
    'portrait, cinematic',
    'masterpiece, best quality, ultra detailed, 8k',
    'logo minimal vector',
    'El Capitan, Yosemite, Ansel Adams',
    'Santa Claus',
    'steampunk airship over Venice',
    'pasta carbonara on a plate at the café',
    'Beyoncé in a São Paulo street',
    'a portrait of 王小明 in a garden, soft light',
    'a shop sign that says "欢迎光临大酒店欢迎光临"',
    'a shop sign that says 「本日は営業しております」, photo',
    'the streets of Москва in the rain, street photography',
    'photo of Łódź, Poland',
    '一 --ar 16:9 a very long road through the desert',
  ],
  und: ['', '123 456', '🐱🐶', '1:1, 50%', '！？'],
}

for (const [language, prompts] of Object.entries(PROMPTS)) {
  test(language, () => {
    for (const prompt of prompts) expect(detectLanguage(prompt), prompt).toBe(language)
  })
}

test('text that is nothing but a quotation is looked at all the same', () => {
  expect(detectLanguage('"一只猫"')).toBe('zh')
  expect(detectLanguage('「雪の中の狐」')).toBe('ja')
})

test('a long prompt is judged in no time', () => {
  expect(detectLanguage(`${'"'.repeat(16_000)}${'-a '.repeat(5000)}`)).toBe('en')
  expect(detectLanguage('一'.repeat(32_000))).toBe('zh')
})
