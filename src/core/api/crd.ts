// Kind → CustomResourceDefinition (apiextensions.k8s.io/v1).
import { group, systemNamespace } from '../model/index.ts'
import type { Kind, KindVersion, Rule } from './kind.ts'
import { structuralSchema } from './structural.ts'

type Json = Readonly<Record<string, unknown>>

// The Service of the webhook, as manifests/base names it. No caBundle: the webhook writes its own.
const conversion: Json = {
  strategy: 'Webhook',
  webhook: {
    clientConfig: {
      service: { namespace: systemNamespace, name: 'bellhop-webhook', path: '/convert', port: 443 },
    },
    conversionReviewVersions: ['v1'],
  },
}

/** The object to apply. */
export function crdOf(kind: Kind): Json {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${group}`, labels: { 'app.kubernetes.io/name': 'bellhop' } },
    spec: {
      group,
      scope: 'Cluster',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
        ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
      },
      ...(kind.versions.length > 1 ? { conversion } : {}),
      versions: kind.versions.map((version) => versionOf(kind, version)),
    },
  }
}

function versionOf(kind: Kind, version: KindVersion): Json {
  return {
    name: version.name,
    served: true,
    storage: version.storage,
    ...(version.deprecationWarning === undefined
      ? {}
      : { deprecated: true, deprecationWarning: version.deprecationWarning }),
    ...(version.status === undefined ? {} : { subresources: { status: {} } }),
    ...(version.columns.length === 0 ? {} : { additionalPrinterColumns: version.columns }),
    schema: { openAPIV3Schema: objectSchema(kind, version) },
  }
}

/** Schema of the whole object: spec, where there is one, is required; status never is. */
export function objectSchema(kind: Kind, { spec, status, rules }: KindVersion): Json {
  const properties = {
    apiVersion: { type: 'string', description: 'Version of the API that the object is written in.' },
    kind: { type: 'string', description: 'Kind of the object.' },
    metadata: { type: 'object' },
    ...(spec === undefined ? {} : { spec: { description: 'What is wanted.', ...structuralSchema(spec) } }),
    ...(status === undefined ? {} : { status: { description: 'What is.', ...structuralSchema(status) } }),
  }
  return {
    description: `${kind.description} Written by: ${kind.writtenBy}.`,
    type: 'object',
    ...(spec === undefined ? {} : { required: ['spec'] }),
    properties,
    ...(rules.length === 0 ? {} : { 'x-kubernetes-validations': rules satisfies readonly Rule[] }),
  }
}
