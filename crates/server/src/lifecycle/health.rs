//! Tells the health of the engine, of all services alike: without the store none can serve.

use countersign_engine::Engine;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::routes::SERVICES;

/// Follows the engine until it is told to stop; then says that nothing is served any more.
pub(crate) async fn follow(engine: Engine, reporter: HealthReporter, stop: CancellationToken) {
    let mut told = None;
    loop {
        let healthy = engine.is_healthy();
        if told != Some(healthy) {
            if told.is_some() {
                tracing::warn!(healthy, "the health of the store changed");
            }
            tell(&reporter, healthy).await;
            told = Some(healthy);
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = engine.health_changed() => {}
        }
    }
    tell(&reporter, false).await;
}

/// Tells all services' health.
pub(crate) async fn tell(reporter: &HealthReporter, healthy: bool) {
    let status = if healthy {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    metrics::gauge!("countersign_healthy").set(if healthy { 1.0 } else { 0.0 });
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

/// Ends the streams of those who watch the health.
pub(crate) async fn end_watches(mut reporter: HealthReporter) {
    for service in SERVICES {
        reporter.clear_service_status(service).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status_of(reporter: &HealthReporter, service: &str) -> Option<i32> {
        use tonic_health::pb::HealthCheckRequest;
        use tonic_health::pb::health_server::Health;
        use tonic_health::server::HealthService;
        let health = HealthService::from_health_reporter(reporter.clone());
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(tonic::Request::new(request)).await.ok()?;
        Some(answer.into_inner().status)
    }

    #[tokio::test]
    async fn all_services_are_told_alike() {
        let reporter = HealthReporter::new();
        for (healthy, told) in [(true, 1), (false, 2)] {
            tell(&reporter, healthy).await;
            for service in SERVICES {
                assert_eq!(
                    status_of(&reporter, service).await,
                    Some(told),
                    "{service:?}"
                );
            }
        }
        end_watches(reporter.clone()).await;
        assert_eq!(status_of(&reporter, "").await, None);
    }
}
