import UproarAudio
import UproarCore
import UproarScenario

/// A person's recorded voice: prompts of Debian's `asterisk-core-sounds-en-wav`, used where they are installed.
///
/// The package carries no transcripts; these are the prompts' published texts.
enum HumanSpeechCorpus {
    static let folder = "/usr/share/asterisk/sounds/en_US_f_Allison"

    static func describe() throws -> CorpusManifest {
        let clips = try prompts.map { prompt in
            let path = "\(folder)/\(prompt.file).wav"
            let sound = try AudioFile.read(path)
            guard
                let clip = AudioCorpus.annotated(
                    sound, file: path, id: prompt.file, transcript: prompt.text)
            else { throw FixtureError(clip: prompt.file, reason: "no speech was found in it") }
            var description = clip.description
            description.speaker = "allison"
            return description
        }
        return CorpusManifest(
            corpus: "human-speech",
            licence:
                "CC-BY-SA-3.0 (Allison Smith, financed by Digium; asterisk-core-sounds-en-wav)",
            clips: clips)
    }

    static let prompts: [(file: String, text: String)] = [
        ("agent-loggedoff", "Agent logged off."),
        ("agent-loginok", "Agent logged in."),
        ("agent-newlocation", "Please enter a new extension followed by the pound key."),
        ("agent-pass", "Please enter your password followed by the pound key."),
        ("all-circuits-busy-now", "All circuits are busy now."),
        ("auth-thankyou", "Thank you."),
        ("cannot-complete-as-dialed", "Your call cannot be completed as dialed."),
        ("check-number-dial-again", "Please check the number and dial again."),
        ("conf-getchannel", "Please enter the channel number followed by the pound key."),
        ("conf-getconfno", "Please enter your conference number followed by the pound key."),
        ("conf-getpin", "Please enter the conference pin number."),
        ("conf-invalid", "That is not a valid conference number. Please try again."),
        ("conf-invalidpin", "That pin is invalid for this conference."),
        ("conf-kicked", "You have been kicked from this conference."),
        ("conf-leaderhasleft", "The leader has left the conference."),
        ("conf-locked", "This conference is locked."),
        ("conf-noempty", "No empty conferences currently exist."),
        ("conf-onlyone", "There is currently one other participant in the conference."),
        ("conf-onlyperson", "You are currently the only person in this conference."),
        ("conf-placeintoconf", "You will now be placed into the conference."),
        ("conf-waitforleader", "The conference will begin when the leader arrives."),
        ("demo-echodone", "The echo test has been completed."),
        ("dir-nomatch", "No directory entries match your search."),
        ("dir-nomore", "There are no more compatible entries in the directory."),
        ("feature-not-avail-line", "That feature is not available on this line."),
        ("hello-world", "Hello world."),
        ("number-not-answering", "The number is not answering."),
        ("one-moment-please", "One moment please."),
        ("please-try-again", "Please try again."),
        ("please-try-call-later", "Please try your call later."),
        ("privacy-incorrect", "I'm sorry, that number is not valid."),
        (
            "privacy-unident",
            "The party you are trying to reach does not accept unidentified calls."
        ),
        ("queue-thankyou", "Thank you for your patience."),
        (
            "queue-youarenext",
            "Your call is now first in line and will be answered by the next available representative."
        ),
        ("something-terribly-wrong", "Something is terribly wrong."),
        ("transfer", "Please hold while I try that extension."),
        ("tt-weasels", "Weasels have eaten our phone system."),
        ("vm-goodbye", "Goodbye."),
        ("vm-mailboxfull", "Sorry, but the user's mailbox can't accept more messages."),
        ("vm-msgsaved", "Your message has been saved."),
        ("vm-newpassword", "Please enter your new password followed by the pound key."),
        ("vm-nobodyavail", "Nobody is available to take your call at the moment."),
        ("vm-passchanged", "Your passwords have been changed."),
        ("vm-reenterpassword", "Please re-enter your password followed by the pound key."),
        ("vm-sorry", "I'm sorry, I did not understand your response."),
    ]
}
