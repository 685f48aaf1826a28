import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** The figures of this process in Prometheus' text format. */
export interface Metrics {
  contentType: string
  read(): Promise<string>
  /** Counts one answered request; `seconds` from its first byte to the last of its reply. */
  requestAnswered(labels: { method: string; route: string; status: number }, seconds: number): void
  /** Counts one picture that came, or one upstream call that failed, with the kind of the failure. */
  drawn(labels: { provider: string; model: string; outcome: string }): void
  /** Adds a gauge that is worked out when the figures are read. */
  gauge(name: string, help: string, labelNames: string[], read: () => Promise<GaugeValue[]>): void
}

export interface GaugeValue {
  labels: Record<string, string>
  value: number
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const seconds = new Histogram({
    name: 'pictor_http_request_duration_seconds',
    help: 'Time to answer a request',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2, 10, 30, 60, 180],
    registers,
  })
  const drawn = new Counter({
    name: 'pictor_images_total',
    help: 'Pictures delivered (outcome "ok") and upstream calls failed (outcome = kind of failure)',
    labelNames: ['provider', 'model', 'outcome'],
    registers,
  })
  return {
    contentType: registry.contentType,
    read: () => registry.metrics(),
    requestAnswered: (labels, duration) => seconds.observe(labels, duration),
    drawn: (labels) => drawn.inc(labels),
    gauge: (name, help, labelNames, read) => {
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        async collect() {
          this.reset()
          for (const { labels, value } of await read()) this.set(labels, value)
        },
      })
    },
  }
}
