import { embeddedLaneCount } from '@plimsoll/kit/embedded/servers.ts'

/** Lanes as `npm start` makes them; `LANES=16 npm run bench` measures an installation that many workers share. */
export const laneCount = Number(process.env.LANES ?? embeddedLaneCount)
