/** Every word that a chat user reads while a picture is made. Markdown may stand in it; it is shown as it is. */
export type Language = 'en' | 'zh'

/** What went wrong, in the user's terms. */
export type FailureKind =
  | 'quota'
  | 'moderated'
  | 'timeout'
  | 'unreachable'
  | 'busy'
  | 'limited'
  | 'noPicture'
  | 'refused'
  | 'serverKey'
  | 'diskFull'
  | 'interrupted'
  | 'cancelled'
  | 'other'

export interface FailureText {
  title: string
  /** What the user can do about it. */
  advice: string
}

export interface ChatTexts {
  heading: string
  received: string
  /** Alternative text of the thumbnail of a reference, from 1. */
  reference(number: number): string
  connecting: string
  elapsed(seconds: number): string
  /** A preview has arrived, from 1. */
  preview(number: number): string
  /** A picture has arrived, of several. */
  arrived(done: number, total: number): string
  /** By the names that upstreams give their stages, in lower case. */
  stages: Readonly<Record<Stage, string>>
  success(done: number, total: number, seconds: number): string
  missing(failed: number, total: number): string
  closing: string
  /** What the upstream or the server said, after the advice. */
  reason(message: string): string
  retryAfter(seconds: number): string
  failures: Readonly<Record<FailureKind, FailureText>>
  /** The answer of a chat upstream ended in the middle. */
  brokenOff: FailureText
}

export type Stage = 'queued' | 'sketching' | 'painting' | 'preview' | 'medium' | 'final'

const zh: ChatTexts = {
  heading: '图片创作',
  received: '已接收您的创作请求。',
  reference: (number) => `参考图 ${number}`,
  connecting: '正在连接绘图模型',
  elapsed: (seconds) => `${seconds} 秒`,
  preview: (number) => `预览 ${number}`,
  arrived: (done, total) => `已收到 ${done}/${total} 张`,
  stages: {
    queued: '排队中',
    sketching: '正在起草',
    painting: '正在绘制',
    preview: '预览',
    medium: '中等',
    final: '高清',
  },
  success: (done, total, seconds) =>
    `✓ ${total > 1 ? `已完成 ${done} 张${done < total ? `（共 ${total} 张）` : ''}` : '图片已完成'}${seconds > 0 ? `，用时 ${seconds} 秒` : ''}`,
  missing: (failed, total) =>
    `共 ${total} 张，其中 ${failed} 张没有画成。已完成的图片已保存；仍需要其余的，请再发送一次。`,
  closing: '想修改的话，直接说出要改的地方即可，例如“把背景换成夜晚”；想要另一张，请说“重新画”。',
  reason: (message) => `详情：${message}`,
  retryAfter: (seconds) =>
    seconds < 90 ? `请在 ${seconds} 秒后重试。` : `请在约 ${Math.ceil(seconds / 60)} 分钟后重试。`,
  failures: {
    quota: {
      title: '没有画成：绘图额度已用完',
      advice: '请稍后再试，或换一个模型。管理员可以为上游账户补充额度。',
    },
    moderated: {
      title: '没有画成：内容未通过审核',
      advice: '请换一种描述，去掉可能敏感的人物、品牌或画面，然后重新发送。',
    },
    timeout: {
      title: '没有画成：等待超时',
      advice: '绘图模型没有在规定时间内完成。请再试一次；尺寸小一些、描述简单一些会更快。',
    },
    unreachable: {
      title: '没有画成：连接不上绘图服务',
      advice: '请过一两分钟再试。若仍然如此，请联系管理员检查网络和上游地址。',
    },
    busy: { title: '没有画成：绘图服务繁忙', advice: '请过一两分钟再试，或换一个模型。' },
    limited: { title: '没有画成：请求过于频繁', advice: '稍等片刻再发送同样的内容即可。' },
    noPicture: {
      title: '没有画成：模型没有返回图片',
      advice: '请把想要的画面写得更具体一些，例如主体、场景和风格，然后再试。',
    },
    refused: { title: '没有画成：请求无法执行', advice: '请按下面的说明调整后重新发送。' },
    serverKey: {
      title: '没有画成：服务器的密钥无效',
      advice: '这不是您的问题。请联系管理员检查上游密钥，或换一个模型。',
    },
    diskFull: {
      title: '没有画成：服务器磁盘已满',
      advice: '图片无法保存。请联系管理员清理空间，然后再试。',
    },
    interrupted: {
      title: '没有画成：服务器中途重启',
      advice: '请重新发送。重启之前已完成的图片保存在图库中。',
    },
    cancelled: { title: '已取消', advice: '这次创作已停止。需要时重新发送即可。' },
    other: {
      title: '没有画成：出现了意外问题',
      advice: '请再试一次。若仍然如此，请联系管理员查看服务器日志。',
    },
  },
  brokenOff: {
    title: '回答中断了',
    advice: '上游没有把话说完。以上内容仍然有效，重新发送可获得完整的回答。',
  },
}

const en: ChatTexts = {
  heading: 'Drawing a picture',
  received: 'Your request has been received.',
  reference: (number) => `reference ${number}`,
  connecting: 'Connecting to the model',
  elapsed: (seconds) => `${seconds} s`,
  preview: (number) => `preview ${number}`,
  arrived: (done, total) => `${done} of ${total} received`,
  stages: {
    queued: 'waiting in line',
    sketching: 'sketching',
    painting: 'painting',
    preview: 'preview',
    medium: 'medium quality',
    final: 'final quality',
  },
  success: (done, total, seconds) =>
    `✓ ${total > 1 ? `${done}${done < total ? ` of ${total}` : ''} pictures ready` : 'Ready'}${seconds > 0 ? ` after ${seconds} s` : ''}`,
  missing: (failed, total) =>
    `${failed} of ${total} pictures could not be drawn. The others are saved; send the message again if you still want more.`,
  closing:
    'To change it, say what should be different, such as “make it night”. For another one, say “new picture”.',
  reason: (message) => `Details: ${message}`,
  retryAfter: (seconds) =>
    seconds < 90
      ? `Please try again in ${seconds} s.`
      : `Please try again in about ${Math.ceil(seconds / 60)} minutes.`,
  failures: {
    quota: {
      title: 'Could not draw this: the quota is used up',
      advice:
        'Please try again later or choose another model. The administrator can add to the upstream account.',
    },
    moderated: {
      title: 'Could not draw this: the request did not pass moderation',
      advice:
        'Please describe it in another way, without people, brands or scenes that may be sensitive, and send it again.',
    },
    timeout: {
      title: 'Could not draw this: it took too long',
      advice:
        'The model did not finish in time. Please try again; a smaller size or a simpler description is quicker.',
    },
    unreachable: {
      title: 'Could not draw this: the service cannot be reached',
      advice:
        'Please try again in a minute or two. If it stays like this, the administrator should check the network and the upstream address.',
    },
    busy: {
      title: 'Could not draw this: the service is busy',
      advice: 'Please try again in a minute or two, or choose another model.',
    },
    limited: {
      title: 'Could not draw this: too many requests',
      advice: 'Please wait a moment, then send the same message again.',
    },
    noPicture: {
      title: 'Could not draw this: the model answered without one',
      advice:
        'Please describe what you want to see more exactly, such as subject, scene and style, and try again.',
    },
    refused: {
      title: 'Could not draw this: the request cannot be carried out',
      advice: 'Please adjust it as described below and send it again.',
    },
    serverKey: {
      title: 'Could not draw this: the key of the server is not accepted',
      advice:
        'This is not your fault. Please ask the administrator to check the upstream key, or choose another model.',
    },
    diskFull: {
      title: 'Could not draw this: the disk of the server is full',
      advice:
        'The picture could not be saved. Please ask the administrator to free some space, then try again.',
    },
    interrupted: {
      title: 'Could not draw this: the server restarted',
      advice: 'Please send the message again. Pictures that were finished before are in the library.',
    },
    cancelled: {
      title: 'Cancelled',
      advice: 'This drawing was stopped. Send the message again if you want it.',
    },
    other: {
      title: 'Could not draw this: something unexpected happened',
      advice: 'Please try again. If it happens again, the administrator should look at the server log.',
    },
  },
  brokenOff: {
    title: 'The answer broke off',
    advice:
      'The upstream did not finish. What stands above is all there is; send the message again for a whole answer.',
  },
}

export const CHAT_TEXTS: Readonly<Record<Language, ChatTexts>> = { en, zh }
