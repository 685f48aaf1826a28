import { expect, test } from 'vitest'
import {
  configIsReadAtTheTop,
  connectionsGoOutInOnePlace,
  contractStandsAlone,
  environmentIsReadInOnePlace,
  importsGoOneWay,
  laterHasAnIssue,
  noCycles,
  noTestHelpersInTheProduct,
  type Rule,
} from './rules.ts'
import { parseSource, readTree, type SourceFile } from './tree.ts'

// What Biome checks is not checked here: default exports, `any`, import extensions. Imports of files that are not there fail the type check.
const tree = readTree('contract', 'src', 'test', 'scripts')

/** Small trees that break a rule in one place. Without them, a rule that sees nothing would go unnoticed. */
const broken: [Rule, ...SourceFile[][]][] = [
  [
    importsGoOneWay,
    [parseSource('src/db/connect.ts', "import { createTask } from '../tasks/task.ts'")],
    [parseSource('src/access/keys.ts', "import type { Blob } from '../library/blob.ts'")],
    [parseSource('src/base/log.ts', "export {\n  createApp,\n} from '../app.ts'")],
    [parseSource('contract/job.ts', "import '../src/base/id.ts'")],
    [parseSource('src/new-part/x.ts', "import { y } from '../db/y.ts'")],
  ],
  [configIsReadAtTheTop, [parseSource('src/gateway/route.ts', "import type { Config } from '../config.ts'")]],
  [
    noTestHelpersInTheProduct,
    [parseSource('src/db/connect.ts', "import { dialects } from './testing.ts'")],
    [parseSource('src/providers/demo.ts', "const x = await import('../../test/upstreams/openai.ts')")],
  ],
  [contractStandsAlone, [parseSource('contract/job.ts', "import { join } from 'node:path'")]],
  [environmentIsReadInOnePlace, [parseSource('src/base/log.ts', 'const level = process.env.LOG_LEVEL')]],
  [
    connectionsGoOutInOnePlace,
    [parseSource('src/providers/demo.ts', "import { Agent } from 'undici'")],
    [parseSource('src/providers/demo.ts', 'const reply = await fetch(url)')],
  ],
  [
    noCycles,
    [
      parseSource('src/a.ts', "import './b.ts'"),
      parseSource('src/b.ts', "import './c.ts'"),
      parseSource('src/c.ts', "import './b.ts'"),
    ],
  ],
  [laterHasAnIssue, [parseSource('src/a.ts', '// TODO: soon\n// TODO(#7): later')]],
]

test.each(broken.map(([rule, ...examples]) => ({ name: rule.name, rule, examples })))(
  '$name',
  ({ rule, examples }) => {
    for (const example of examples) expect(rule(example)).toHaveLength(1)
    expect(rule(tree)).toEqual([])
  },
)

test('the tree is read whole, and imports are seen in every form', () => {
  expect(tree.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['contract/job.ts', 'src/base/error.ts']),
  )
  const text = `
    import a, { b } from 'one'
    import type {
      C,
    } from './two.ts'
    export { d } from "../three.ts"
    import 'four'
    // import 'not this'
    /* import x from 'nor this' */
    const five = await import('five')
    export const from = 'not imported'`
  expect(parseSource('src/x/y.ts', text).imports).toEqual([
    { name: 'one' },
    { name: './two.ts', target: 'src/x/two.ts' },
    { name: '../three.ts', target: 'src/three.ts' },
    { name: 'four' },
    { name: 'five' },
  ])
})
