/** What a person needs next: where the page is, and the lines to paste into what they already run. */
export function welcome({ url, seconds, nats }: { url: string; seconds: number; nats: string | undefined }): string {
  return `
Plimsoll is ready after ${seconds.toFixed(1)} s.

  Page   ${url}/
  API    ${url}/docs
${nats === undefined ? '' : `  Events ${nats} (JetStream, derived.>)\n`}
Point what you already run at it:

  # prometheus.yml: metrics
  remote_write:
    - url: ${url}/api/v1/write

  # OpenTelemetry SDK or collector (HTTP): traces and metrics
  OTEL_EXPORTER_OTLP_ENDPOINT=${url}
  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf

  # alertmanager.yml: alerts
  receivers:
    - name: plimsoll
      webhook_configs:
        - url: ${url}/hooks/alertmanager

Ctrl-C stops it; the data stays.`
}
