import UproarCore
import UproarRuntime

/// What recordings need of the world.
package struct RecordingParts {
    package var spool: any Spool
    package var store: any ObjectStore
    package var keys: RecordingKeys
    /// So many bytes that nobody can guess.
    package var unguessable: (Int) -> [UInt8]

    package init(
        spool: any Spool, store: any ObjectStore, keys: RecordingKeys,
        unguessable: @escaping (Int) -> [UInt8]
    ) {
        self.spool = spool
        self.store = store
        self.keys = keys
        self.unguessable = unguessable
    }
}
