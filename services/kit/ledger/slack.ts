import type { Performer } from './performer.ts'
import { post } from './post.ts'

export type SlackPayload = { readonly text: string }

/** Posts to an incoming webhook of Slack, which folds no repeats. */
export const slackPerformer = (webhookUrl: string): Performer => ({
  repeatable: false,
  async perform({ payload }) {
    const { text } = payload as SlackPayload
    return await post(webhookUrl, { 'Content-Type': 'application/json' }, JSON.stringify({ text }))
  },
})
