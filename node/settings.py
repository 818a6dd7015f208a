"""What the configuration says, in each part's own units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from node.agreement.effects import Timing
from node.chain.endpoints.pool import PoolSettings
from node.chain.sending.fees import Fees
from node.config import broker_password
from node.gossip.settings import BrokerSettings
from node.render.pool import RenderPool, RenderSettings, local_pool

if TYPE_CHECKING:
    from node.config import BrokerConfig, Config


def broker_settings(config: Config) -> list[BrokerSettings]:
    """Return every broker with its password read from where the configuration says.

    Raises:
        KeyFileError: a password cannot be read.
        ConfigError: a broker cannot be used.
    """
    return [settings_of(config, broker) for broker in config.gossip.brokers]


def settings_of(config: Config, broker: BrokerConfig, environ: Mapping[str, str] | None = None) -> BrokerSettings:
    """Return one of the configuration's brokers; errors as of `broker_settings`."""
    password = broker_password(config, broker, environ=environ)
    return BrokerSettings(
        url=broker.url.reveal(),
        username=broker.username,
        password=None if password is None else password.reveal(),
        ca=broker.ca,
        cert=broker.cert,
        key=broker.key,
    )


def renderer_pool(config: Config) -> RenderPool:
    """Return what draws for this node: this machine's devices, or a Ray cluster.

    Raises:
        ConfigError: the extra that a Ray cluster needs is not installed.
    """
    if config.render.pool == "local":
        return local_pool(render_settings(config))
    from node.render.ray import ray_pool

    return ray_pool(config.render.pool, render_settings(config))


def render_settings(config: Config) -> RenderSettings:
    """Return how this node renders, in the pool's own units."""
    chosen = config.render
    return RenderSettings(
        engine=chosen.engine,
        devices=chosen.devices,
        workers=chosen.workers,
        batch=chosen.batch,
        memory=chosen.memory_mb,
        nice=chosen.nice,
        patience=chosen.picture_ms / 1000,
        pipelines=chosen.pipelines,
    )


def timing(config: Config) -> Timing:
    """Return the protocol's durations (ms) as configured."""
    chosen = config.agreement
    return Timing(
        view_ms=chosen.view_ms,
        view_max_ms=chosen.max_view_ms,
        render_ms=chosen.render_ms,
        grace_ms=chosen.grace_ms,
        repeat_ms=chosen.repeat_ms,
    )


def pool_settings(config: Config) -> PoolSettings:
    """Return how endpoints are asked, and when they are believed."""
    chosen = config.chain
    return PoolSettings(
        timeout=chosen.timeout_ms / 1000,
        max_lag=chosen.max_lag_blocks,
        witnesses=chosen.witnesses,
        rate=chosen.requests_per_second,
        burst=2 * chosen.requests_per_second,
    )


def fees(config: Config) -> Fees:
    """Return the bounds on what transactions may cost."""
    chosen = config.transmit
    return Fees(
        max_fee=chosen.max_fee,
        priority_fee=chosen.priority_fee,
        bump_percent=chosen.bump_percent,
        resend_after=chosen.resend_after_ms / 1000,
        max_gas=chosen.max_gas,
        low_balance=chosen.low_balance if chosen.enabled else 0,
        poll=config.chain.poll_ms / 1000,
    )
