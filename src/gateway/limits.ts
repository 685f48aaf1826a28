import type { Kysely } from 'kysely'
import { checkModel } from '../access/allowed-models.ts'
import type { Caller } from '../access/keys.ts'
import { checkQuota, type Holder, type Moment, reservePictures } from '../access/quota.ts'
import { dayIn } from '../base/day.ts'
import type { Schema } from '../db/schema.ts'
import type { Reserved } from '../tasks/task-account.ts'
import type { Gateway } from './gateway.ts'
import type { Candidate } from './route.ts'

/** Pictures that are going to be reserved, with all that decides whether they may be. */
export interface Reservation extends Reserved {
  holder: Holder
  moment: Moment
}

/** @throws AppError `model_not_allowed` for a model that is not for this caller */
export function checkAllowed(gateway: Gateway, caller: Caller, model: string): void {
  checkModel(caller, model, standsFor(gateway, model))
}

/** The model that a name means now: the alias is one for the preferred model. */
export const standsFor = (
  { settings, providers }: Pick<Gateway, 'settings' | 'providers'>,
  model: string,
): string => (model === settings.alias ? providers.preferred() : model)

/** What a caller's pictures are to be taken from; undefined where they are not counted. */
export function planReservation(gateway: Gateway, caller: Caller, pictures: number): Reservation | undefined {
  const holder = holderOf(caller)
  if (holder === undefined) return undefined
  const moment = momentOf(gateway)
  return { holder, moment, pictures, day: dayIn(moment.timeZone, moment.now) }
}

/** Reserves as planned; the last thing in the transaction that makes the task. @throws AppError when a limit is reached */
export async function reserve(
  { database }: Pick<Gateway, 'database'>,
  query: Kysely<Schema>,
  reservation: Reservation | undefined,
): Promise<void> {
  if (reservation === undefined) return
  await reservePictures(database, query, reservation.holder, reservation.pictures, reservation.moment)
}

/**
 * Whether a caller may begin a chat with these. Nobody knows before how many pictures an answer brings: they are counted as
 * they come, and those of the answers under way may go beyond a limit.
 *
 * @param asked the model that the client named
 * @throws AppError `model_not_allowed`, or that a limit is reached, where the model draws
 */
export async function checkChat(
  gateway: Gateway,
  caller: Caller,
  asked: string,
  candidates: readonly Candidate[],
): Promise<void> {
  const { alias } = gateway.settings
  for (const { model } of candidates) checkModel(caller, model, asked === alias ? alias : model)
  const holder = holderOf(caller)
  if (holder && candidates.some(({ capabilities }) => capabilities.draws))
    await checkQuota(gateway.database.query, holder, momentOf(gateway))
}

const holderOf = ({ keyId, limits }: Caller): Holder | undefined =>
  keyId === undefined ? undefined : { owner: keyId, limits: limits ?? {} }

const momentOf = ({ clock, settings }: Gateway): Moment => ({
  now: clock.now(),
  timeZone: settings.timeZone,
})
