"""Reconciliations are answered by a registry that runs; this waits for the end of the next one, and tells it."""

from queue import Queue

from registry_client.reconciliation.records import Reconciliation
from registry_client.registry import Registry


class Watch:
    """Hears of reconciliations from now on."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._news: Queue[str] = Queue()
        registry.on_event(lambda event: self._news.put(event.text) if event.kind == "reconciliation" else None)

    def next_end(self, seconds: float) -> Reconciliation:
        """The next reconciliation that ends, with its history; queue.Empty if nothing happens for so long."""
        while True:
            self._news.get(timeout=seconds)
            latest = self._registry.reconciliations(1)
            if latest and latest[0].is_final:  # 2 or 5: log and registry hold the same
                return latest[0]
