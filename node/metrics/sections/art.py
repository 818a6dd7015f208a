"""Feeds and artworks: how far feeds are handled, what is drawn, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from node.metrics.definition import WEI, Sample, counter, gauge, histogram

if TYPE_CHECKING:
    from node.parts import Parts

SHOWN: Final = 50
"""Feeds that have series of their own, those with the lowest ids: an oracle may have any number of feeds."""

FEEDS = gauge("patina_feeds", "Feeds that this node serves; the first 50 have series of their own.")
HANDLED = gauge("patina_feed_handled_block", "Block up to which the feed's checkpoints are handled.", "feed")
NEXT = gauge("patina_feed_next_checkpoint_block", "The feed's next checkpoint that is not handled yet.", "feed")
REPORTED = gauge("patina_feed_report_block", "Block of the feed's newest final report; 0 without any.", "feed")
BAND = gauge("patina_feed_band", "Band of the feed at the final block, 0 the lowest.", "feed")
ANSWER = gauge("patina_feed_answer_ratio", "Answer last reported: growth since the feed's basis, 0.01 is 1 %.", "feed")
JOBS = gauge("patina_render_jobs", "Editions being drawn, or waiting to be.")
IMAGES = gauge("patina_render_images_waiting", "Images of those editions that are not drawn yet.")
DRAWN = counter("patina_images_rendered_total", "Images drawn.")
FOUND = counter("patina_images_found_total", "Images that had been drawn before, and were found again.")
TOOK = histogram("patina_image_seconds", "How long a worker took for an image; of a batch, each image's share.")
WORKERS = gauge("patina_render_workers", "Places where images can be drawn, by whether a worker is ready.", "ready")
LOST = counter("patina_render_workers_lost_total", "Workers lost at work: died, or came to their memory cap.", "cause")
ENDED_EARLY = counter("patina_render_jobs_cancelled_total", "Editions given up before all images were drawn.")
MISSING = gauge("patina_artworks_missing", "Artworks that landed, were painted elsewhere and are not whole here yet.")


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values."""
    feeds, handled = parts.standings.feeds, parts.journal.cursors.all()
    yield FEEDS.at(len(feeds))
    for feed in sorted(feeds, key=lambda one: one.id)[:SHOWN]:
        name, cadence = str(feed.id), feed.policy.cadence
        done = handled.get(f"feed {feed.id}")
        yield from HANDLED.known(done, name)
        yield NEXT.at(max(-(-feed.opened_at // cadence), 0 if done is None else done // cadence + 1) * cadence, name)
        yield REPORTED.at(feed.updated_block, name)
        yield BAND.at(feed.band, name)
        yield ANSWER.at(feed.answer / WEI, name)
    drawing: dict[str, Any] = parts.renderers.status()
    yield JOBS.at(len(drawing["jobs"]))
    yield IMAGES.at(sum(job["of"] - job["done"] for job in drawing["jobs"]))
    yield DRAWN.at(drawing["drawn"])
    yield FOUND.at(parts.drawings.found)
    yield TOOK.at(parts.renderers.took)
    ready = sum(worker["state"].startswith("ready") for worker in drawing["workers"])
    yield WORKERS.at(ready, "yes")
    yield WORKERS.at(len(drawing["workers"]) - ready, "no")
    yield LOST.at(drawing["workers_died"], "died")
    yield LOST.at(drawing["workers_full"], "memory")
    yield ENDED_EARLY.at(drawing["jobs_ended_early"])
    yield MISSING.at(parts.collector.missing)


METRICS = (
    FEEDS,
    HANDLED,
    NEXT,
    REPORTED,
    BAND,
    ANSWER,
    JOBS,
    IMAGES,
    DRAWN,
    FOUND,
    TOOK,
    WORKERS,
    LOST,
    ENDED_EARLY,
    MISSING,
)
