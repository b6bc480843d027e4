import UproarCore

/// The faults that links carry out: a literal list.
package enum LinkFaultCatalog {
    package static let all: [any LinkFault.Type] = [
        LinkDelayFault.self, LinkBandwidthFault.self, LinkSlicerFault.self, LinkStallFault.self,
        LinkPartitionFault.self, LinkHalfOpenFault.self, LinkRefuseFault.self,
        LinkResetFault.self, LinkCutFault.self, LinkSlowCloseFault.self,
        RedisHangFault.self, RedisSlowFault.self, RedisErrorFault.self,
        RedisDropFault.self, RedisFailoverFault.self, RedisRestartFault.self,
        RedisMaxClientsFault.self, RedisPublishLossFault.self,
    ]

    package static func named(_ name: String) -> (any LinkFault.Type)? {
        all.first { $0.descriptor.name == name }
    }
}
