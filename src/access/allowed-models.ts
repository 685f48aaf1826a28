import { AppError } from '../base/error.ts'

/** The models that a caller may ask for; undefined for all. */
export interface Allowance {
  models?: readonly string[] | undefined
}

/** Whether a caller may ask for a model. An alias may be asked for also where the model it stands for may be. */
export const mayAsk = ({ models }: Allowance, model: string, standsFor = model): boolean =>
  models === undefined || models.includes(model) || models.includes(standsFor)

/** @throws AppError `model_not_allowed`, which names the model as it was asked for */
export function checkModel(allowance: Allowance, model: string, standsFor = model): void {
  if (!mayAsk(allowance, model, standsFor))
    throw new AppError('model_not_allowed', { param: 'model', values: { model } })
}
