import type { StoredImage } from '../../../contract/image.ts'
import type { ImageJob } from '../../../contract/job.ts'

/** One line of `manifest.jsonl`: the picture and its recipe. */
export function manifestLine(image: StoredImage, file: string, job: ImageJob | undefined): string {
  const line = {
    id: image.id,
    file,
    prompt: image.prompt,
    sent_prompt: image.sentPrompt ?? null,
    revised_prompt: image.revisedPrompt ?? null,
    model: image.model,
    provider: image.provider,
    upstream_model: image.upstreamModel,
    seed: image.seed ?? null,
    width: image.width,
    height: image.height,
    mime: image.mime,
    bytes: image.bytes,
    sha256: image.sha256,
    task_id: image.taskId,
    parameters: job === undefined ? {} : parametersOf(job),
    created_at: new Date(image.createdAt).toISOString(),
  }
  return `${JSON.stringify(line)}\n`
}

/** What was asked for beside prompt and model. Named one by one, so that nothing private of a job gets out by itself. */
function parametersOf(job: ImageJob): Record<string, unknown> {
  return {
    kind: job.kind,
    n: job.n,
    edit: job.edit,
    size: job.size,
    aspect_ratio: job.aspectRatio,
    image_size: job.imageSize,
    quality: job.quality,
    style: job.style,
    background: job.background,
    output_format: job.outputFormat,
    output_compression: job.outputCompression,
    moderation: job.moderation,
    input_fidelity: job.inputFidelity,
    seed: job.seed,
    ...(job.extra && { extra: job.extra }),
  }
}
