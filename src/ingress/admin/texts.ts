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

interface AdminTexts {
  setUp: string
  signedIn: string
  signedOut: string
  passwordChanged: string
  settingsSaved: string
  deleted(count: number, failed: number): string
  cleared(count: number): string
  accountsAdded(count: number, duplicates: number): string
  accountsRemoved(count: number): string
  usageReset: string
}

/** What the admin reads beside the error table. */
export const ADMIN_TEXTS: Readonly<Record<Language, AdminTexts>> = {
  zh: {
    setUp: '管理员账户已创建',
    signedIn: '登录成功',
    signedOut: '已退出登录',
    passwordChanged: '密码修改成功，请在其他设备上重新登录',
    settingsSaved: '设置已保存',
    deleted: (count, failed) => `删除完成: 成功 ${count}, 失败 ${failed}`,
    cleared: (count) => `已清空 ${count} 张图片`,
    accountsAdded: (count, duplicates) => `已添加 ${count} 个账号, 重复 ${duplicates} 个`,
    accountsRemoved: (count) => `已移除 ${count} 个账号`,
    usageReset: '每日使用量已重置',
  },
  en: {
    setUp: 'The admin account has been made',
    signedIn: 'Signed in',
    signedOut: 'Signed out',
    passwordChanged: 'The password has been changed; other devices have to sign in again',
    settingsSaved: 'The settings have been saved',
    deleted: (count, failed) => `Deleted ${count}, failed ${failed}`,
    cleared: (count) => `Cleared ${count} pictures`,
    accountsAdded: (count, duplicates) => `Added ${count} accounts, ${duplicates} were there already`,
    accountsRemoved: (count) => `Removed ${count} accounts`,
    usageReset: 'The usage of today has been reset',
  },
}
