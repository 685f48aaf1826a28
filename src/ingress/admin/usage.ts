import type { KeyStats, UsageReply } from '../../../contract/keys.ts'
import {
  countKeys,
  keyNames,
  type UsageFigures,
  type UsageGroup,
  usageReport,
  usageTotal,
} from '../../access/usage-report.ts'
import { dayIn } from '../../base/day.ts'
import type { Gateway } from '../../gateway/gateway.ts'

const DAY = 24 * 60 * 60 * 1000

/** What was used from a day to another, by group; without days, in the last thirty. */
export async function readUsage(
  gateway: Gateway,
  asked: { from?: string; to?: string; group?: UsageGroup },
): Promise<UsageReply> {
  await gateway.usage.flush()
  const { query } = gateway.database
  const { group = 'day', to = today(gateway) } = asked
  const from = asked.from ?? new Date(Date.parse(to) - 29 * DAY).toISOString().slice(0, 10)
  const report = await usageReport(query, { from, to, group })
  const names =
    group === 'key'
      ? await keyNames(
          query,
          report.rows.map((row) => row.group),
        )
      : undefined
  const rows = report.rows.map((row) => ({
    group: row.group,
    ...(names ? { name: names.get(row.group) ?? null } : {}),
    ...toFigures(row),
  }))
  return { from, to, group, rows, total: toFigures(report.total) }
}

/** How many keys there are, and what everyone has used today and this month. */
export async function readKeyStats(gateway: Gateway): Promise<KeyStats> {
  await gateway.usage.flush()
  const { query } = gateway.database
  const { total, disabled, expired } = await countKeys(query, gateway.clock.now())
  const to = today(gateway)
  return {
    total_keys: total,
    active_keys: total - disabled - expired,
    disabled_keys: disabled,
    expired_keys: expired,
    today: toFigures(await usageTotal(query, { from: to, to })),
    this_month: toFigures(await usageTotal(query, { from: `${to.slice(0, 7)}-01`, to })),
  }
}

const today = ({ settings, clock }: Gateway): string => dayIn(settings.timeZone, clock.now())

const toFigures = (figures: UsageFigures) => ({
  requests: figures.requests,
  pictures: figures.pictures,
  errors: figures.errors,
  input_tokens: figures.inputTokens,
  output_tokens: figures.outputTokens,
  latency_ms: figures.latency,
  cost_usd: figures.cost,
  unpriced: figures.unpriced,
})
