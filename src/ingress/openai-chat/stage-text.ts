import type { TaskEvent } from '../../tasks/progress.ts'
import type { ChatTexts, Stage } from './texts.ts'

/** How much a percentage must grow to be worth a word. */
const STEP = 10

/** Says in a few words what an event means to the user; nothing where it brings nothing new. */
export function createStageTeller(texts: ChatTexts, total: number): (event: TaskEvent) => string | undefined {
  let stage = ''
  let percent = 0
  let previews = 0
  let arrived = 0

  function progress(event: TaskEvent & { type: 'progress' }): string | undefined {
    const name = event.stage ?? stage
    const now = Math.round(event.percent ?? 0)
    const isNew = name !== stage
    if (!isNew && now < percent + STEP) return undefined
    stage = name
    percent = now
    const words = [isNew ? nameOf(name, texts) : '', now > 0 && now < 100 ? `${now}%` : '']
    return words.filter((word) => word !== '').join(' ') || undefined
  }

  return (event) => {
    switch (event.type) {
      case 'progress':
        return progress(event)
      case 'partial':
        previews += 1
        // Some upstreams name the stage of each preview themselves.
        return PREVIEWS.has(stage) ? undefined : texts.preview(previews)
      case 'image':
        if (total === 1 || event.image.position >= total) return undefined
        arrived += 1
        return texts.arrived(arrived, total)
      case 'finished':
        return undefined
    }
  }
}

const PREVIEWS = new Set(['preview', 'medium', 'final'])

const isStage = (name: string, texts: ChatTexts): name is Stage => Object.hasOwn(texts.stages, name)

/** What we have no word for is shown as the upstream calls it, if it is a word. */
function nameOf(stage: string, texts: ChatTexts): string {
  const name = stage.toLowerCase()
  if (isStage(name, texts)) return texts.stages[name]
  return stage
    .replaceAll(/[^\p{L}\p{N} .-]+/gu, ' ')
    .trim()
    .slice(0, 40)
}
