import { type Static, type TObject, Type } from 'typebox'

/** The hooks' share of the gateway's configuration. */
export const hookConfig = {
  GATEWAY_GITHUB_WEBHOOK_SECRET: Type.Optional(
    Type.String({
      minLength: 1,
      secret: true,
      description:
        'Secret of the GitHub webhook. With it a signature stands for credentials, without it they are asked for.',
    }),
  ),
  GATEWAY_GITLAB_WEBHOOK_TOKEN: Type.Optional(
    Type.String({
      minLength: 1,
      secret: true,
      description: 'Secret token of the GitLab webhook. With it the token stands for credentials.',
    }),
  ),
}

export type HookConfig = Static<TObject<typeof hookConfig>>
