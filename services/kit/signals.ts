/**
 * Stops once, cleanly, whatever asks for it: Ctrl-C, a supervisor, or the end of the launcher that started us.
 *
 * One Ctrl-C arrives several times: from the terminal, from npm and from the launcher, all within moments. So only a
 * signal that comes later than `againAfterMs` means "now".
 */
export function stopOnSignals(stop: () => Promise<void>, againAfterMs = 2_000): void {
  let askedAt: number | undefined
  const ask = () => {
    if (askedAt !== undefined) {
      if (performance.now() - askedAt > againAfterMs) process.exit(130)
      return
    }
    askedAt = performance.now()
    void stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask)
  if (process.channel) {
    process.once('disconnect', ask)
    // Listening for its end must not keep the process alive.
    process.channel.unref()
  }
}

/** A defect nobody caught leaves the process in a state nobody knows: it stops what it can in order and ends. */
export function exitOnCrash(stop: () => Promise<void>): void {
  const crash = (error: unknown) => {
    // Not through the log: it may be what is broken, or not be there yet.
    console.error(`crashed: ${error instanceof Error ? error.stack : error}`)
    void stop().finally(() => process.exit(1))
  }
  process.once('uncaughtException', crash)
  process.once('unhandledRejection', crash)
}
