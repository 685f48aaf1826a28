import type { Language } from '../language.ts'

interface KeyTexts {
  created: string
  updated: string
  deleted: string
}

/** What is said of keys beside the error table. */
export const KEY_TEXTS: Readonly<Record<Language, KeyTexts>> = {
  zh: {
    created: 'API Key 创建成功，请妥善保管，此密钥只显示一次',
    updated: 'API Key 更新成功',
    deleted: 'API Key 删除成功',
  },
  en: {
    created: 'The API key was created. Keep it safe: it is shown only this once.',
    updated: 'The API key was updated.',
    deleted: 'The API key was deleted.',
  },
}
