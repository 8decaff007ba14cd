/**
 * The command that runs a server's image in the foreground, on one loopback port, as the present user. The data folder
 * has the same path inside, so a configuration file means the same on both sides.
 */
export function dockerCommand(options: {
  readonly image: string
  readonly port: number
  readonly dataDir: string
  readonly args: readonly string[]
}): { command: string; args: string[]; env: Record<string, string> } {
  const { image, port, dataDir, args } = options
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const publish = `127.0.0.1:${port}:${port}`
  return {
    command: 'docker',
    args: [
      'run',
      '--rm',
      '--init',
      '--user',
      user,
      '--publish',
      publish,
      '--volume',
      `${dataDir}:${dataDir}`,
      image,
      ...args,
    ],
    env: {},
  }
}
