/*
 * The words that make a message a request for a picture, as data. They are listed in docs/chat.md.
 */

/** Chinese words, simplified and traditional; found anywhere in a text. 计划, 规划 and 策划 are written with another character. */
export const CHINESE_WORDS: readonly string[] = split(`
  画 绘 畫 繪 生成图 生成圖 生图 生圖 出图 出圖 作图 作圖 配图 配圖 插图 插圖 图片 圖片 图像 圖像 照片
  相片 海报 海報 头像 頭像 壁纸 壁紙 表情包 素描 水彩 草图 草圖 修图 修圖 改图 改圖 扩图 擴圖 上色
  创作 創作 设计 設計 渲染 合成 抠图 摳圖 去水印 裁剪 换成 換成 替换 替換 修改 编辑 編輯 改成 变成
  變成 变为 變為 改为 改為 调整 調整 添加 删除 刪除 去掉 移除 放大 缩小 縮小 风格 風格 滤镜 濾鏡 背景
  颜色 顏色 色调 色調 场景 場景
`)

/** Phrases in which one of {@link CHINESE_WORDS} means something else, as patterns. */
export const CHINESE_FALSE_FRIENDS: readonly string[] = split(`
  (?<![設合總統])計畫 企画 企畫 規畫 策畫 籌畫 謀畫 动画片 动画电影 动画公司 漫画家 漫画书 画家(?![里乡人具园庭常]) 畫家(?![裡鄉人具園庭常])
  画廊 画展(?![翅开示现]) 书画 画外音 画蛇添足 画龙点睛 画地为牢 画饼(?![干图状]) 指手画脚 琴棋书画 诗情画意 用户画像 客户画像
  人群画像 测绘 编辑部 编辑器 编辑距离 总编辑 編輯部 編輯器 设计模式 设计师 设计院 设计原则
  系统设计 架构设计 数据库设计 接口设计 程序设计 软件设计 课程设计 教学设计 毕业设计 实验设计 设计思想
  設計模式 設計師 系統設計 历史背景 时代背景 社会背景 家庭背景 教育背景 学术背景 写作背景 创作背景
  研究背景 项目背景 背景知识 背景音乐 背景调查 背景介绍 歷史背景 背景知識 背景音樂 蛋白质合成 有机合成
  语音合成 合成词 合成氨 合成材料 服务端渲染 服务器渲染 渲染函数 渲染引擎 条件渲染 列表渲染
  代码风格 编程风格 写作风格 管理风格 应用场景 使用场景 业务场景 测试场景 應用場景 使用場景 调整心态
  调整状态 调整作息 结构调整 添加剂 添加好友 添加依赖 添加索引 删除线 删除文件 删除数据 删除账号
  删除好友 删除表(?![情带面盘]) 修改密码 修改代码 修改配置 修改权限 替换变量 放大器 放大镜 缩小差距 缩小范围
  文学创作 诗歌创作 小说创作 歌曲创作 音乐创作 创作者 创作一首 创作一篇 去掉空格 去掉重复
`)

/** English words, matched whole and in either case; a `?` follows what may be left out. */
export const ENGLISH_WORDS: readonly string[] = split(`
  draw redraw drawings? drawing paint repaint paintings? sketch sketches render renderings? generate
  illustrate illustrations? images? pictures? pics? photos? photographs? portraits? artworks?
  wallpapers? posters? logos? icons? avatars? stickers? cartoons? watercolou?rs? edit change replace
  remove add erase crop upscale retouch photoshop inpaint outpaint recolou?r colou?ri[sz]e styles?
  backgrounds? colou?rs?
`)

/** Phrases in which one of {@link ENGLISH_WORDS} means something else, as patterns. */
export const ENGLISH_FALSE_FRIENDS: readonly string[] = [
  'draws? (?:(?:a|an|the|any|some|your|my|our|more) )?(?:conclusions?|attention|inspiration|parallels?|comparisons?|distinctions?|lessons?|inferences?|the line)',
  '(?:docker|container|disk|disc|system|boot|iso|vm|base|recovery|mirror|public|brand|body) images?',
  '(?:big|bigger|motion) pictures?(?! of)|picture this',
  '(?:climate|career|culture|cultural|social|organi[sz]ational|behaviou?r|regime) changes?',
  'changes? (?:management|logs?|requests?|(?:my|your|his|her|our|their) (?:mind|job|password|name|address)s?)',
  'background (?:jobs?|process(?:es)?|tasks?|threads?|workers?|services?|checks?|knowledge|info|information|noise|music|radiation|reading|research)',
  '(?:historical|educational|academic|professional|cultural|theoretical) backgrounds?',
  '(?:code|coding|writing|programming|citation|leadership|learning|teaching|life|css|apa|mla) styles?|styles? (?:guides?|sheets?)',
  'add (?:up|\\d+(?:\\.\\d+)? (?:and|to|plus|with) \\d+)|edit (?:distance|wars?)|remove duplicates',
  'render (?:functions?|loops?|props?|methods?|engines?)|(?:server|client)[- ]side render(?:ing)?',
  'generate (?:(?:a|an|the|some|me|random|new|unique|secure|strong|short|python|sql|typescript|javascript) )*(?:code|text|passwords?|uuids?|ids?|numbers?|keys?|tokens?|reports?|summar(?:y|ies)|titles?|lists?|tests?|scripts?|functions?|sql|json|essays?|stor(?:y|ies)|poems?|emails?|docs|documentation|questions?|names?|ideas?)',
]

/** Requests for "one" of something that is shown: 来一张…, 给我做两幅…; not of tables, tickets and furniture. */
export const CHINESE_MEASURED =
  /(?:生成|制作|製作|做|来|來|出|整|弄|要|给我|給我)(?:我)?[一两兩三四几幾\d]{0,2}[张張幅](?!表|票|桌|床|嘴|发票|發票|清单|清單|单|單|卡|证|證|凭证|凳|椅|光盘|纸|紙|牌)/

/** A refusal to draw, to the end of its clause. */
export const REFUSALS: readonly RegExp[] = [
  /(?:不要|(?<![特区级性分])别|不用|无需|不必|不需要|不想|禁止|请勿|不是(?:要|让你|叫你)|別|無需|請勿)(?:再|给我|帮我|直接|去|随便){0,2}(?:[画绘畫繪]|生成|创作|創作|渲染|出图|作图|出圖)[^，。！？；、,.!?;\n]*/g,
  /\b(?:do not|don['’]?t|never|without|no need to|not to|cannot|can['’]?t|rather than|instead of)\s+(?:[a-z]+\s+){0,2}?(?:draw|paint|sketch|render|illustrat|generat|creat|mak|edit|chang|replac|remov|add)(?:e|ing)?\b(?:(?!\bbut\b)[^,.!?;:\n])*/gi,
]

/** What clients ask for on their own, behind the user's back: titles, tags, follow-ups (Open WebUI), summaries (NextChat). */
export const CLIENT_TASKS: readonly RegExp[] = [
  /^\s*### Task:[\s\S]*<chat_history>/,
  /four to five word title summari[sz]ing our conversation/,
  /直接返回这句话的简要主题/,
  /^Summarize (?:the|our) discussion briefly in \d+ words or less/,
  /^简要总结一下.{0,8}对话/,
]

/** Messages that only close a matter. */
export const COURTESIES =
  /^\s*(?:谢谢|谢谢你|多谢|感谢|謝謝|好的?|很好|不错|太棒了|可以了?|收到|明白了?|ok(?:ay)?|thanks?(?: you)?(?: so much| a lot)?|thx|great|nice|perfect|cool|got it|bye|再见)[\s。.!！~～]*$/i

function split(words: string): string[] {
  return words.trim().split(/\s+/)
}
