import type { Language } from '../language.ts'

interface BatchTexts {
  progress(completed: number, total: number): string
  complete(completed: number, failed: number): string
  fault(reason: string): string
  /** A batch that was accepted in part. */
  cut(accepted: number, asked: number): string
  failed(count: number, reason: string): string
  separator: string
}

/** What batch clients read beside the error table. */
export const BATCH_TEXTS: Readonly<Record<Language, BatchTexts>> = {
  zh: {
    progress: (completed, total) => `已完成 ${completed}/${total}`,
    complete: (completed, failed) => `任务完成: 成功 ${completed}, 失败 ${failed}`,
    fault: (reason) => `任务处理异常: ${reason}`,
    cut: (accepted, asked) => `队列已满，仅接受 ${accepted}/${asked} 张`,
    failed: (count, reason) => `${count} 张生成失败: ${reason}`,
    separator: '；',
  },
  en: {
    progress: (completed, total) => `${completed}/${total} done`,
    complete: (completed, failed) => `Task finished: ${completed} succeeded, ${failed} failed`,
    fault: (reason) => `The task failed unexpectedly: ${reason}`,
    cut: (accepted, asked) => `The queue is full: ${accepted} of ${asked} were accepted`,
    failed: (count, reason) => `${count} failed: ${reason}`,
    separator: '; ',
  },
}
