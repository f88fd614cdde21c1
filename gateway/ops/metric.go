package ops

import "github.com/prometheus/client_golang/prometheus"

// collector reads a Metric when Prometheus asks.
type collector struct {
	metric Metric
	desc   *prometheus.Desc
	kind   prometheus.ValueType
}

func newCollector(m Metric) *collector {
	kind := prometheus.GaugeValue
	if m.Counter {
		kind = prometheus.CounterValue
	}
	return &collector{m, prometheus.NewDesc(m.Name, m.Help, m.Labels, nil), kind}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.metric.Read() {
		m, err := prometheus.NewConstMetric(c.desc, c.kind, s.Value, s.Labels...)
		if err != nil {
			m = prometheus.NewInvalidMetric(c.desc, err)
		}
		ch <- m
	}
}
