import { deploymentFact } from './deployment.ts'
import type { Fact, Reception } from './fact.ts'
import type { Shape } from './shape.ts'

/** CDEvents types that say a version now runs somewhere; the version of the type itself may follow. */
export const cdeventTypes = [
  'dev.cdevents.service.deployed',
  'dev.cdevents.service.upgraded',
  'dev.cdevents.service.rolledback',
] as const

export const isCdevent = (type: string): boolean =>
  cdeventTypes.some((known) => type === known || type.startsWith(`${known}.`))

/**
 * The data of a CDEvent about a service. Subject, environment and artifact are the specification's; the release is
 * the `tag` of the artifact's package URL, else its version. Source: CDEvents, continuous deployment vocabulary.
 */
export function cdeventDeployment(data: Shape, reception: Reception): Fact {
  const context = data.inner('context')
  const subject = data.inner('subject')
  const content = subject.inner('content')
  const artifact = content.textOr('artifactId', '')
  return deploymentFact(
    {
      deploymentId: `cdevents:${context.text('source')}:${context.text('id')}`,
      sender: 'cdevents',
      service: serviceOf(subject.text('id')),
      environment: content.innerOr('environment')?.textOr('id', '') || reception.environment,
      release: releaseOf(artifact) || content.text('artifactId'),
      status: 'succeeded',
      occurredAt: context.time('timestamp'),
      commit: '',
      url: '',
      actor: '',
    },
    reception,
  )
}

/** Subject ids may be paths (`service/checkout`, `/namespace/prod/checkout`): the last part names the service. */
const serviceOf = (id: string): string => id.split('/').findLast((part) => part !== '') ?? id

/** From a package URL: `pkg:oci/shop@sha256%3Aab..?tag=1.4.0` -> `1.4.0`, `pkg:npm/shop@1.4.0` -> `1.4.0`. */
function releaseOf(purl: string): string {
  const [path = '', query = ''] = purl.split('#', 1).join('').split('?', 2)
  const tag = new URLSearchParams(query).get('tag')
  if (tag !== null && tag !== '') return tag
  const at = path.lastIndexOf('@')
  return at < 0 ? '' : decoded(path.slice(at + 1))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
