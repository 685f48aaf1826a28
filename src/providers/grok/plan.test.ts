import { describe, expect, test } from 'vitest'
import type { ImageJob } from '../../../contract/job.ts'
import { job, NONE } from '../conformance-bench.ts'
import { fitAspectRatio } from './aspect-ratio.ts'
import { planCalls } from './plan.ts'

const planOf = (wishes: Partial<ImageJob>) =>
  planCalls({ job: job('grok-imagine-1.0', wishes), model: 'grok-imagine-1.0', inputs: NONE })

describe('ratios', () => {
  test.each([
    // What the first generation of clients took, as ratios and sizes.
    [{ aspectRatio: '16:9' }, '16:9'],
    [{ aspectRatio: '9:16' }, '9:16'],
    [{ aspectRatio: '1:1' }, '1:1'],
    [{ aspectRatio: '2:3' }, '2:3'],
    [{ aspectRatio: '3:2' }, '3:2'],
    [{ size: '1024x1024' }, '1:1'],
    [{ size: '512x512' }, '1:1'],
    [{ size: '1024x576' }, '16:9'],
    [{ size: '1280x720' }, '16:9'],
    [{ size: '1536x864' }, '16:9'],
    [{ size: '576x1024' }, '9:16'],
    [{ size: '720x1280' }, '9:16'],
    [{ size: '1024x1536' }, '2:3'],
    [{ size: '512x768' }, '2:3'],
    [{ size: '1536x1024' }, '3:2'],
    [{ size: '768x512' }, '3:2'],
    // Rounded by them for want of a better ratio.
    [{ size: '768x1024' }, '3:4'],
    [{ size: '1024x768' }, '4:3'],
    [{ size: '1792x1024' }, '16:9'],
    [{ size: '1024x1792' }, '9:16'],
    // The newest.
    [{ aspectRatio: '2:1' }, '2:1'],
    [{ aspectRatio: '1:2' }, '1:2'],
    [{ aspectRatio: '3:4' }, '3:4'],
    // Nobody chose.
    [{}, '2:3'],
    [{ size: 'auto' }, '2:3'],
  ] as [Partial<ImageJob>, string][])('%o is %s, without a word', (wishes, expected) => {
    expect(fitAspectRatio(wishes)).toEqual({ aspectRatio: expected, warnings: [] })
  })

  test.each([
    [{ aspectRatio: '21:9' }, '20:9', 'aspect_ratio'],
    [{ aspectRatio: '4:5' }, '3:4', 'aspect_ratio'],
    [{ size: '1000x400' }, '20:9', 'size'],
    [{ size: '4096x4096' }, '1:1', 'size'],
    [{ size: '64x64' }, '1:1', 'size'],
    [{ aspectRatio: '1:1', imageSize: '4K' }, '1:1', 'image_size'],
  ] as [Partial<ImageJob>, string, string][])('%o is %s, and %s is named', (wishes, expected, param) => {
    const { aspectRatio, warnings } = fitAspectRatio(wishes)
    expect(aspectRatio).toBe(expected)
    expect(warnings).toEqual([{ param, message: expect.any(String) }])
  })
})

test.each([
  [1, [1]],
  [6, [6]],
  [7, [4, 3]],
  [8, [4, 4]],
  [13, [5, 4, 4]],
  [100, [...Array.from({ length: 15 }, () => 6), 5, 5]],
])('%i pictures are spread over as few sockets as can be', (n, expected) => {
  expect(planOf({ n }).calls.map(({ images }) => images)).toEqual(expected)
})

test('a call holds what the socket is told, and nothing that a client may add', () => {
  const { calls, warnings } = planOf({ extra: { enable_nsfw: true, is_kids_mode: false }, partialImages: 2 })
  expect(calls).toEqual([
    {
      images: 1,
      request: {
        dialect: 'grok',
        prompt: 'a red fox in the snow',
        aspectRatio: '2:3',
        images: 1,
        previews: 2,
      },
    },
  ])
  expect(warnings.map(({ param }) => param)).toEqual(['enable_nsfw', 'is_kids_mode'])
})

test('values that mean nothing are not worth a warning', () => {
  expect(planOf({ quality: 'auto', background: 'auto', moderation: 'auto', user: 'me' }).warnings).toEqual([])
})

test('an edit cannot be planned', () => {
  expect(() => planOf({ kind: 'edit' })).toThrow(
    expect.objectContaining({ kind: 'bad_param', code: 'unsupported_operation', maybePaid: false }),
  )
})
