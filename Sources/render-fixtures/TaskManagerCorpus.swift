import UproarScenario

/// What callers say to a task manager, by three voices; the sentences of every conversation in all three.
enum TaskManagerCorpus {
    static func render(into folder: String) throws -> CorpusManifest {
        try SpokenCorpus.render(utterances, name: "task-manager", into: folder)
    }

    typealias Utterance = SpokenCorpus.Utterance

    static let utterances = [
        // Greetings and small talk
        Utterance("hello", "Hello, can you hear me?", isCommon: true),
        Utterance("how-are-you", "How are you today?"),
        Utterance("who-are-you", "Who am I talking to?"),
        Utterance("weather", "What is the weather like?"),
        Utterance("help", "What can you do for me?"),
        // create_task
        Utterance("add-milk", "Add buy milk to my list.", isCommon: true),
        Utterance("call-dentist", "Add call the dentist to my tasks.", isCommon: true),
        Utterance("water-plants", "Remind me to water the plants."),
        Utterance("pay-rent", "Create a task to pay the rent on Friday."),
        Utterance("book-flight", "Please add book a flight to Berlin."),
        Utterance("send-report", "I need to send the report by Monday."),
        Utterance("school", "Add pick up the children at four."),
        Utterance("new-task", "Can you create a new task for me?"),
        Utterance("clean-kitchen", "Put clean the kitchen on my list."),
        Utterance("renew-passport", "Add renew my passport, please."),
        Utterance("walk-dog", "Remind me to walk the dog tonight."),
        Utterance("buy-present", "Add buy a present for Anna."),
        // list_tasks
        Utterance("what-tasks", "What are my tasks?", isCommon: true),
        Utterance("list-tasks", "List my tasks, please.", isCommon: true),
        Utterance("what-is-left", "What is left to do today?"),
        Utterance("how-many", "How many tasks do I have?"),
        Utterance("read-list", "Read me my list."),
        Utterance("what-next", "What should I do next?"),
        Utterance("due-tomorrow", "Is anything due tomorrow?"),
        // complete_task
        Utterance("milk-done", "Mark buy milk as done.", isCommon: true),
        Utterance("report-done", "I finished the report."),
        Utterance("dentist-done", "I already called the dentist."),
        Utterance("first-done", "Complete the first task."),
        Utterance("plants-off", "Take water the plants off my list."),
        Utterance("rent-done", "The rent is paid, mark it as done."),
        // Answers
        Utterance("yes", "Yes, please."),
        Utterance("no", "No, that is all."),
        Utterance("again", "Could you say that again?"),
        Utterance("not-meant", "No, that is not what I meant."),
        Utterance("one-more", "I have one more thing to add."),
        // Endings
        Utterance("thanks", "Thank you, that is great.", isCommon: true),
        Utterance("goodbye", "Goodbye.", isCommon: true),
        Utterance("bye-now", "That is everything, bye now."),
    ]
}
