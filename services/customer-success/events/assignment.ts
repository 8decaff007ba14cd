import { createHash } from 'node:crypto'
import { type Arm, armOf } from '../domain/playbook/enrolment.ts'

/** A number in [0, 1) that stands for a text, spread evenly over texts: the first 48 bits of its SHA-256. */
export const shareOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48

/** The arm of an account in a playbook; who is in the control group of all playbooks is so in each. */
export const assign = (
  playbookId: string,
  accountId: string,
  shares: { readonly control: number; readonly holdout: number },
): Arm => armOf({ control: shareOf(`control|${accountId}`), holdout: shareOf(`${playbookId}|${accountId}`) }, shares)
