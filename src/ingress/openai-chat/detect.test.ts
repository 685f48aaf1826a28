import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isPictureRequest, RULES } from './detect.ts'
import { CHINESE_WORDS, ENGLISH_WORDS } from './picture-words.ts'

const user = (content: unknown) => ({ role: 'user', content })
/** Examples between bars, so that many fit on a page. */
const listed = (examples: string): string[] =>
  examples
    .split(/[|\n]/)
    .map((example) => example.trim())
    .filter((example) => example !== '')

const ruleOf = (text: string) => isPictureRequest([user(text)]).rule

test.each(
  listed(`
  画一只猫 | 重新渲染 | 帮我绘制一张水墨山水 | 生成图：星空下的城市 | 来张图片 | 我想要一张照片，海边的狗
  创作一个武侠场景 | 设计一个咖啡店的logo | 渲染一间客厅 | 把帽子换成红色的 | 替换天空 | 修改一下衣服
  编辑这个 | 眼睛改成蓝色 | 让猫变成老虎 | 变为夜晚 | 头发改为短发 | 调整亮度 | 添加一棵树 | 删除左边的人
  去掉水印 | 移除路人 | 帮我抠图 | 把两个人合成到一起 | 放大两倍 | 缩小一点 | 赛博朋克风格 | 加个复古滤镜
  背景要白色 | 颜色鲜艳一些 | 色调偏暖 | 一个下雪的场景 | 做一张海报 | 换个头像 | 手机壁纸，极简
  来一张金毛犬 | 给我三幅山水 | 畫一隻貓 | 換成藍色背景 | 不要画猫，画狗 | 别画人物，只要风格清新的山
  不要背景的猫图片 | 动画风格的女孩 | 漫画风的猫，画一张 | 你的计划很好，帮我画出来 | 用油画画一个画家
  放大镜下的蚂蚁，照片 | 出图 | 把草图上色 | 帮我P图，修图也行 | 生成一张猫咪 | 画 | 绘 | 水彩荷花
  表情包：加班的猫 | 画一个动画片里的小熊 | 画家里的猫 | 画饼干 | 画展翅的鹰 | 设计画册 | 删除表情
  `),
)('zh: %s asks for a picture', (text) => {
  expect(ruleOf(text)).toBe('words-zh')
})

test.each(
  listed(`
  今天有什么计划？ | 帮我做旅行规划 | 策划一场活动 | 怎么筹划婚礼 | 他在谋划什么 | 这个計畫可行嗎
  企画书怎么写 | 图书馆几点开门 | 他试图解释 | 企图逃跑 | 你的意图是什么 | 看地图怎么走 | 你好 | 写一首诗
  什么是量子计算 | 画蛇添足是什么意思 | 什么是用户画像 | 推荐一部动画片 | 梵高是哪国的画家 | 画饼是什么梗
  光合作用的原理 | 他在编辑部工作 | 推荐一个编辑器 | 什么是编辑距离 | 解释一下设计模式
  做一名设计师要学什么 | 数据库设计的范式 | 介绍一下历史背景 | 二战的时代背景 | 推荐背景音乐
  蛋白质合成的过程 | 什么是服务端渲染 | 渲染函数怎么写 | 这段代码风格如何 | 大模型的应用场景有哪些
  怎么调整心态 | 食品添加剂安全吗 | 怎样添加好友 | Linux 怎么删除文件 | 如何修改密码 | 运算放大器原理
  缩小差距的办法 | 创作一首歌曲 | 创作者经济是什么 | 不要画图，只用文字回答 | 别画了，聊聊天吧
  不需要生成图片，解释即可 | 做一张表格 | 来一张发票 | 买两张票 | 翻译这句话 | 谢谢 | 好的。 | 光是什么
  区别是什么 | 帮我总结一下 | 1+1等于几 | 推荐三本书 | 天气怎么样
  `),
)('zh: %s does not', (text) => {
  expect(isPictureRequest([user(text)]).picture).toBe(false)
})

test.each(
  listed(`
  draw a cat | add 2 cats to the sofa | a big picture of a cow | Draw me a house. | Please DRAW! | paint the sea | render a living room
  generate a castle at dawn | an image of a fox | three images of foxes | a picture of a dog
  I want a photo of Paris | photos of the moon | an illustration for my book | edit this
  change the hat to red | replace the sky | remove the man | add a hat | in the style of Monet
  a white background | make the colors warmer | a colour sketch | a pencil drawing of hands
  an oil painting of a ship | sketch a robot | a logo for a bakery | a movie poster
  phone wallpaper, minimal | an avatar | a sticker of a frog | watercolour tulips | upscale it
  crop it to a square | colorize grandpa | illustrate this story | a portrait of an old man
  a cartoon dog | retouch my face | erase the wire | 帮我 draw 一只猫 | 生成image吧 | "draw", she said
  I can’t draw, please draw a cat for me | don't paint a dog but draw a cat | an app icon
  recolor the car | change the style guide | edit the function | remove duplicates, then draw a chart
  a drawing or painting of a fox | outpaint it | draw a conclusion as a picture
  A street photograph, rain | draw: cat | (draw) a cat | inpaint the hole | repaint it
  `),
)('en: %s asks for a picture', (text) => {
  expect(ruleOf(text)).toBe('words-en')
})

test.each(
  listed(`
  hello | my address is unknown | the additional cost | exchange rates today
  imagine a world without money | a withdrawal form | withdraw money | drawer | pictures-que
  the painter Monet | photography tips | imaginary numbers | what is a surrender | renderer crash
  generation of energy | degenerate matter | a stylesheet | the editor said no | credit score
  unchanged since 1990 | irreplaceable | removed yesterday | stylish shoes | iconic brands | stickers-free
  why is climate change real | draw a conclusion from this | draw attention to it
  how do I build a docker image | the big picture | run a background job | background noise at work
  my code style | add 2 and 3 | it does not add up | edit distance in python | generate a random password
  generate a report on sales | generate some tests please | what happened in logo.png
  open /images/icon.svg | the css .background rule | an e-mail | change management basics
  don't draw anything, explain in words | do not generate an image | explain without drawing
  I cannot draw at all | Thanks! | thank you so much | OK | cool | what is 2+2 | write a poem about rain
  translate this | who is he | he changed | picture this: you are rich | render function in React
  server-side rendering explained | I changed my mind | leadership style
  `),
)('en: %s does not', (text) => {
  expect(isPictureRequest([user(text)]).picture).toBe(false)
})

const LINK = 'https://pictor.example/images/01890000-0000-7000-8000-00000000000a'
const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }
const question = { type: 'text', text: 'what now' }

test('pictures and links count where the rules say', () => {
  const ruleFor = (...messages: unknown[]) => isPictureRequest(messages).rule
  expect(ruleFor(user([question, picture]))).toBe('image-part')
  expect(ruleFor(user('what is ![x](data:image/png;base64,iVBORw0KGgo=)'))).toBe('image-part')
  expect(ruleFor(user([picture]), { role: 'assistant', content: 'a cat' }, user('how old'))).toBe('none')
  expect(ruleFor(user('x'), { role: 'assistant', content: `![image](${LINK})` }, user('whiter'))).toBe(
    'own-url',
  )
  const call = { role: 'assistant', tool_calls: [{ function: { arguments: JSON.stringify({ url: LINK }) } }] }
  expect(ruleFor(user('x'), call, user('whiter'))).toBe('own-url')
  expect(ruleFor(user('like https://x.org/a'))).toBe('link')
  expect(ruleFor(user('https://x.org/a'), { role: 'assistant', content: 'yes' }, user('go on'))).toBe('none')
})

test('only the last message of the user is searched for words', () => {
  const ruleFor = (...messages: unknown[]) => isPictureRequest(messages).rule
  expect(ruleFor({ role: 'system', content: 'You draw pictures.' }, user('hello'))).toBe('none')
  expect(ruleFor(user('draw a cat'), { role: 'assistant', content: 'I drew a picture' }, user('why'))).toBe(
    'none',
  )
  expect(ruleFor(user('hello'), { role: 'assistant', content: 'hi' }, user('draw a cat'))).toBe('words-en')
})

test('what costs money by mistake is told apart: thanks, code, and what clients ask on their own', () => {
  const drawn = { role: 'assistant', content: `![image](${LINK})` }
  expect(isPictureRequest([user('draw'), drawn, user('谢谢！')])).toEqual({
    picture: false,
    rule: 'courtesy',
  })
  const code = 'change this:\n```js\nfetch("https://x.org")\n```'
  expect(isPictureRequest([user(code)])).toEqual({ picture: false, rule: 'code-block' })
  const title = `### Task:\nGenerate a concise title\n### Chat History:\n<chat_history>\nUSER: draw a cat ${LINK}\n</chat_history>`
  expect(isPictureRequest([user(title)])).toEqual({ picture: false, rule: 'client-task' })
  const topic = 'Please generate a four to five word title summarizing our conversation without any lead-in'
  expect(ruleOf(topic)).toBe('client-task')
  const summary = {
    role: 'system',
    content: '简要总结一下对话内容，用作后续的上下文提示 prompt，控制在 200 字以内',
  }
  expect(isPictureRequest([user('画一只猫'), drawn, summary])).toEqual({
    picture: false,
    rule: 'client-task',
  })
})

test('nothing in it can be slow', () => {
  const hostile = [
    'don’t a '.repeat(20_000),
    '### Task:'.repeat(20_000),
    '不要再'.repeat(20_000),
    '画像'.repeat(50_000),
  ]
  for (const text of hostile) expect(isPictureRequest([user(text)]).rule).toMatch(/^(none|words-zh)$/)
})

test('the documentation names every rule and word', () => {
  const documentation = readFileSync(new URL('../../../docs/chat.md', import.meta.url), 'utf8')
  for (const { name } of RULES) expect(documentation).toContain(`\`${name}\``)
  for (const word of CHINESE_WORDS) expect(documentation).toContain(word)
  for (const word of ENGLISH_WORDS) expect(documentation).toContain(word)
})
