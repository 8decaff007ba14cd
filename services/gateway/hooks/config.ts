import { Type } from 'typebox'

/** The hooks' share of the gateway's configuration. */
export const hookConfig = {
  githubWebhookSecret: Type.Optional(
    Type.String({
      minLength: 1,
      secret: true,
      description:
        'Secret of the GitHub webhook. With it a signature stands for credentials, without it they are asked for.',
    }),
  ),
  gitlabWebhookToken: Type.Optional(
    Type.String({
      minLength: 1,
      secret: true,
      description: 'Secret token of the GitLab webhook. With it the token stands for credentials.',
    }),
  ),
}

export type HookConfig = { readonly githubWebhookSecret?: string; readonly gitlabWebhookToken?: string }
