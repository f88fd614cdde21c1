package erasure

// StopAt makes an office fail at a point, as a process that is killed there would:
// before or after a step, or inside one. The points that were passed are noted.
func (o *Office) StopAt(stop func(point string) error) { o.stop = stop }
