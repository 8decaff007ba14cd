export { createLanePages as up } from '@plimsoll/kit/lanes/pages.ts'
