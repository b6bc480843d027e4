import UproarCapacity
import UproarCore
import UproarStatistics

/// Kubernetes manifests of a sizing plan: what can be applied, with a comment on where each number came from.
///
/// Left out on purpose: meshes, sealed secrets, GPUs, network policies. They are properties of a platform, not of a voice agent under load.
package struct KubernetesManifests {
    let plan: SizingPlan
    let image: String
    let name: String

    package init(_ plan: SizingPlan, name: String = "voice-agent", image: String) {
        self.plan = plan
        self.name = name
        self.image = image
    }

    /// File names and their text.
    package var files: [(name: String, text: String)] {
        [
            ("deployment.yaml", deployment), ("service.yaml", service), ("hpa.yaml", autoscaler),
            ("pdb.yaml", disruption), ("redis.yaml", redis), ("secret.yaml", secret),
            ("quota.yaml", quota),
        ]
    }

    private func fixed(_ value: Double, _ places: Int) -> String { NumberText.fixed(value, places) }
    private var millicores: String { "\(fixed(plan.request.podCores * 1000, 0))m" }
    private var memory: String { "\(SizingPlan.mebibytes(plan.request.podMemory))Mi" }

    private func origin(_ value: SizingBasis.Value) -> String {
        value.origin == .measured ? "measured" : "assumed, not measured"
    }

    private var head: String {
        """
        # Written by uproar size, from \(plan.basis.source) (scenario \(plan.basis.scenario)).
        # Sized for \(plan.request.calls) calls under way. Numbers marked "measured" came from that result; the others are assumptions.

        """
    }

    private var deployment: String {
        let binding = plan.limits.first { $0.name == plan.binding }
        return head + """
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: \(name)
              labels: {app: \(name)}
            spec:
              # \(plan.callsPerPod) calls by pod; \(plan.binding) binds (\(binding?.origin.rawValue ?? "")): \(binding?.text ?? "").
              # \(plan.deployed.pods) pods survive \(plan.deployed.name == "nothing" ? "nothing" : "the loss of " + plan.deployed.name). The autoscaler sets the number from here on.
              replicas: \(plan.scaling.minimum)
              selector:
                matchLabels: {app: \(name)}
              strategy:
                rollingUpdate:
                  # No pod goes before another has taken its place: its calls are long.
                  maxUnavailable: 0
                  maxSurge: 25%
              template:
                metadata:
                  labels: {app: \(name)}
                  annotations:
                    prometheus.io/scrape: "true"
                    prometheus.io/port: "9090"
                spec:
                  # A pod that is told to go takes no new call and lets its calls finish: 30 min, as the worker's drain.
                  # Without this line Kubernetes kills after 30 s, and every call with the pod.
                  terminationGracePeriodSeconds: 1800
                  securityContext:
                    runAsNonRoot: true
                    runAsUser: 10001
                    seccompProfile: {type: RuntimeDefault}
                  affinity:
                    podAntiAffinity:
                      preferredDuringSchedulingIgnoredDuringExecution:
                        - weight: 100
                          podAffinityTerm:
                            topologyKey: kubernetes.io/hostname
                            labelSelector:
                              matchLabels: {app: \(name)}
                  topologySpreadConstraints:
                    - maxSkew: 1
                      topologyKey: topology.kubernetes.io/zone
                      whenUnsatisfiable: ScheduleAnyway
                      labelSelector:
                        matchLabels: {app: \(name)}
                  containers:
                    - name: agent
                      image: \(image)
                      ports:
                        - {name: media, containerPort: 8081}
                        - {name: health, containerPort: 8080}
                        - {name: metrics, containerPort: 9090}
                      envFrom:
                        - secretRef: {name: \(name)-keys}
                      env:
                        - name: REDIS_PASSWORD
                          valueFrom:
                            secretKeyRef: {name: \(name)-keys, key: REDIS_PASSWORD}
                        - {name: REDIS_URL, value: "redis://:$(REDIS_PASSWORD)@\(name)-redis:6379/0"}
                        # Calls by pod: see replicas.
                        - {name: WORKER_MAX_JOBS, value: "\(plan.callsPerPod)"}
                      resources:
                        # Request and limit are the same, so that a neighbour's load never takes cores from calls.
                        # A call costs \(fixed(plan.basis.coresPerCall.value, 4)) cores (\(origin(plan.basis.coresPerCall))) and \(fixed(plan.basis.bytesPerCall.value / 1e6, 2)) MB (\(origin(plan.basis.bytesPerCall))).
                        requests: {cpu: \(millicores), memory: \(memory)}
                        limits: {cpu: \(millicores), memory: \(memory)}
                      securityContext:
                        allowPrivilegeEscalation: false
                        capabilities: {drop: [ALL]}
                      # Takes calls after \(fixed(plan.basis.coldStart.value, 1)) s (\(origin(plan.basis.coldStart))); a start may take ten times that.
                      startupProbe:
                        httpGet: {path: /health/live, port: health}
                        periodSeconds: 2
                        failureThreshold: \(max(15, Int(plan.basis.coldStart.value * 5)))
                      livenessProbe:
                        httpGet: {path: /health/live, port: health}
                        periodSeconds: 15
                        failureThreshold: 3
                      # Not ready while it drains: no new calls within 10 s.
                      readinessProbe:
                        httpGet: {path: /health/ready, port: health}
                        periodSeconds: 5
                        failureThreshold: 2

            """
    }

    private var service: String {
        head + """
            apiVersion: v1
            kind: Service
            metadata:
              name: \(name)
              labels: {app: \(name)}
            spec:
              selector: {app: \(name)}
              ports:
                - {name: media, port: 80, targetPort: media}
                - {name: metrics, port: 9090, targetPort: metrics}

            """
    }

    private var autoscaler: String {
        let scaling = plan.scaling
        let ours = AutoscalePolicy.ours(plan)
        let up = ours.up.changes.map(policy).joined()
        let down = ours.down.changes.map(policy).joined()
        return head + """
            apiVersion: autoscaling/v2
            kind: HorizontalPodAutoscaler
            metadata:
              name: \(name)
            spec:
              scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: \(name)}
              # \(scaling.text).
              minReplicas: \(scaling.minimum)
              maxReplicas: \(scaling.maximum)
              metrics:
                # 80 % of the \(plan.callsPerPod) calls a pod carries. AverageValue counts by pod; Value would not.
                - type: Pods
                  pods:
                    metric: {name: voice_agent_active_sessions}
                    target: {type: AverageValue, averageValue: "\(scaling.calls)"}
                - type: Resource
                  resource:
                    name: cpu
                    target: {type: Utilization, averageUtilization: \(scaling.cpu)}
              behavior:
                scaleUp:
                  stabilizationWindowSeconds: \(ours.up.stabilisation)
                  policies:\(up)
                scaleDown:
                  stabilizationWindowSeconds: \(ours.down.stabilisation)
                  policies:\(down)

            """
    }

    private func policy(_ change: AutoscalePolicy.Change) -> String {
        switch change {
        case .pods(let count, let seconds):
            "\n        - {type: Pods, value: \(count), periodSeconds: \(seconds)}"
        case .percent(let share, let seconds):
            "\n        - {type: Percent, value: \(share), periodSeconds: \(seconds)}"
        }
    }

    private var disruption: String {
        // What a drain of a node may take at once: the pods of one node.
        let share = max(1, plan.podsPerNode)
        return head + """
            apiVersion: policy/v1
            kind: PodDisruptionBudget
            metadata:
              name: \(name)
            spec:
              # As many as a node carries: it is what the plan survives.
              maxUnavailable: \(share)
              selector:
                matchLabels: {app: \(name)}

            """
    }

    private var redis: String {
        let redis = plan.redis
        let limit = SizingPlan.mebibytes(redis.limit)
        let most = SizingPlan.mebibytes(redis.limit / 2)
        return head + """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata:
              name: \(name)-redis
              labels: {app: \(name)-redis}
            spec:
              serviceName: \(name)-redis
              replicas: 1
              selector:
                matchLabels: {app: \(name)-redis}
              template:
                metadata:
                  labels: {app: \(name)-redis}
                spec:
                  containers:
                    - name: redis
                      image: redis:7
                      # \(redis.sessions) sessions of \(fixed(redis.bytesPerSession, 0)) B (assumed from \(fixed(plan.basis.turnsPerMinute.value, 1)) turns a minute, \(origin(plan.basis.turnsPerMinute))).
                      # Half of the limit for data: rewriting the append-only file may need as much again. Full, it refuses writes; nobody is killed.
                      args: ["--appendonly", "yes", "--maxmemory", "\(most)mb", "--maxmemory-policy", "volatile-ttl", "--requirepass", "$(REDIS_PASSWORD)"]
                      env:
                        - name: REDIS_PASSWORD
                          valueFrom:
                            secretKeyRef: {name: \(name)-keys, key: REDIS_PASSWORD}
                      ports:
                        - {name: redis, containerPort: 6379}
                      resources:
                        requests: {cpu: 250m, memory: \(limit)Mi}
                        limits: {memory: \(limit)Mi}
                      readinessProbe:
                        tcpSocket: {port: redis}
                        periodSeconds: 5
                      volumeMounts:
                        - {name: data, mountPath: /data}
              volumeClaimTemplates:
                - metadata: {name: data}
                  spec:
                    accessModes: [ReadWriteOnce]
                    resources:
                      requests: {storage: 10Gi}
            ---
            apiVersion: v1
            kind: Service
            metadata:
              name: \(name)-redis
            spec:
              selector: {app: \(name)-redis}
              ports:
                - {name: redis, port: 6379, targetPort: redis}

            """
    }

    private var secret: String {
        head + """
            # A template: fill in, and keep the filled one out of version control.
            apiVersion: v1
            kind: Secret
            metadata:
              name: \(name)-keys
            type: Opaque
            stringData:
              DEEPGRAM_API_KEY: REPLACE
              OPENAI_API_KEY: REPLACE
              CARTESIA_API_KEY: REPLACE
              REDIS_PASSWORD: REPLACE

            """
    }

    private var quota: String {
        let pods = plan.scaling.maximum
        let cores = Double(pods) * plan.request.podCores * 1.25 + 1
        let bytes = Double(pods) * plan.request.podMemory * 1.25 + plan.redis.limit
        return head + """
            apiVersion: v1
            kind: ResourceQuota
            metadata:
              name: \(name)
            spec:
              # The most replicas with their surge of 25 %, and Redis.
              hard:
                requests.cpu: "\(fixed(cores.rounded(.up), 0))"
                limits.memory: \(SizingPlan.mebibytes(bytes))Mi
                requests.memory: \(SizingPlan.mebibytes(bytes))Mi
                pods: "\(pods + (pods + 3) / 4 + 1)"

            """
    }
}
