import type { AccountRow } from './account-table.ts'

/** How many pictures an account has used on a day; of an earlier day nothing counts any more. */
export const usedOn = (row: Pick<AccountRow, 'used_day' | 'used_today'>, day: string): number =>
  row.used_day < day ? 0 : row.used_today

/** Counts pictures on a day, in the row as this process knows it. A negative number gives pictures of the same day back. */
export function countUse(row: AccountRow, day: string, pictures: number): void {
  if (pictures >= 0 && row.used_day < day) Object.assign(row, { used_day: day, used_today: 0 })
  if (pictures >= 0 || row.used_day === day) row.used_today += pictures
  row.used_total += pictures
}
