import Templates

extension TaskFunction {
  /// Examinations that list their choices by letters and are answered by a letter.
  static let letteredMMLU =
    // GreekMMLU. Rows: subject, question, choices.
    [
      TaskFunction.value("utils.doc_to_text", of: ["dascim/GreekMMLU"]) { row throws(EvaluationError) in
        let subject = try row.value("subject").text
        let choices = try lettered(row, "choices", greekLetters)
        return .string(
          "Αυτό είναι μια ερώτηση \(greekSubjects[subject] ?? subject). Επίλεξε τη σωστή απάντηση!\n\n"
            + "Ερώτηση: \(try row.value("question").text)\n\(choices)\n\n Απάντηση:")
      },
      letters("utils.doc_to_choice", of: "dascim/GreekMMLU", greekLetters),
    ]
    // DarijaMMLU (Shang et al. 2024). Rows: subject_darija, context, question, choices.
    + withContext("MBZUAI-Paris/DarijaMMLU", subject: "subject_darija") { subject, question, choices in
      "هادا سؤال متعدد الخيارات (مع الجواب ديالو) على \(subject)\n\n\(question)\n\(choices)\nالجواب:"
    }
    // EgyMMLU. Rows: egy_subject, context, question, choices.
    + withContext("UBC-NLP/EgyMMLU", subject: "egy_subject") { subject, question, choices in
      "ده سؤال متعدد الاختيار (مع إجابته) على \(subject)\n\n\(question)\n\(choices)\n الجواب:"
    }

  /// ArabicMMLU (Koto et al. 2024). Rows: Subject, Level, Country, Context, Question, Option 1…5.
  static let regionalExams = [
    TaskFunction.value("utils.doc_to_text", of: ["MBZUAI/ArabicMMLU"]) { row throws(EvaluationError) in
      var subject = "\(try row.value("Subject").text) question"
      if try row.value("Level").isTrue {
        let level = try row.string("Level")
        guard let name = examLevels[level] else {
          throw row.error("'Level' is '\(level)', expected one of \(examLevels.keys.sorted().joined(separator: ", "))")
        }
        subject += " for \(name)"
      }
      if try row.value("Country").isTrue { subject += " in \(try row.string("Country"))" }
      var question = try row.value("Question").text
      if try row.value("Context").isTrue { question = "\(try row.value("Context").text)\n\n\(question)" }
      var options: [String] = []
      for (index, letter) in latinLetters.enumerated() {
        let option = try row.value("Option \(index + 1)")
        guard option.isTrue else { break }
        options.append("\(letter). \(option.text)")
      }
      return .string(
        "This is a \(subject). Select the correct answer!\n\nQuestion: \(question)\n"
          + "\(options.joined(separator: "\n"))\n\nAnswer:")
    },
    TaskFunction.value("utils.doc_to_choice", of: ["MBZUAI/ArabicMMLU"]) { row throws(EvaluationError) in
      var letters: [PythonValue] = []
      for (index, letter) in latinLetters.enumerated() where try row.value("Option \(index + 1)").isTrue {
        letters.append(.string(letter))
      }
      return .list(letters)
    },
  ]

  private static func withContext(
    _ dataset: String, subject: String, _ prompt: @escaping @Sendable (String, String, String) -> String
  ) -> [TaskFunction] {
    [
      TaskFunction.value("utils.doc_to_text", of: [dataset]) { row throws(EvaluationError) in
        let context = try row.value("context")
        let question = try row.value("question").text
        return .string(
          prompt(
            try row.value(subject).text, context == .string("") ? question : "\(context.text)\n\n\(question)",
            try lettered(row, "choices", latinLetters)))
      },
      letters("utils.doc_to_choice", of: dataset, latinLetters),
    ]
  }

  /// A line per choice: `A. text`.
  private static func lettered(_ row: Row, _ key: String, _ letters: [String]) throws(EvaluationError) -> String {
    let choices = try choiceValues(row, key, letters)
    return zip(letters, choices).map { "\($0). \($1.text)" }.joined(separator: "\n")
  }

  /// The letters of as many choices as the row has.
  private static func letters(_ name: String, of dataset: String, _ letters: [String]) -> TaskFunction {
    TaskFunction.value(name, of: [dataset]) { row throws(EvaluationError) in
      .list(letters.prefix(try choiceValues(row, "choices", letters).count).map(PythonValue.string))
    }
  }

  private static func choiceValues(
    _ row: Row, _ key: String, _ letters: [String]
  ) throws(EvaluationError) -> [PythonValue] {
    let value = try row.value(key)
    guard let choices = value.elements, choices.count <= letters.count else {
      throw row.error("'\(key)' is \(Row.kind(value)), expected a list of at most \(letters.count) texts")
    }
    return choices
  }

  private static let latinLetters = ["A", "B", "C", "D", "E"]
  private static let greekLetters = ["Α", "Β", "Γ", "Δ"]
  private static let examLevels = [
    "Primary": "primary school", "Middle": "middle school", "High": "high school", "Univ": "university",
    "Prof": "professional",
  ]
  private static let greekSubjects = [
    "Economics": "Οικονομικών",
    "Education": "Παιδαγωγικής",
    "Medicine": "Ιατρικής",
    "Electrical Engineering": "Ηλεκτρολόγων Μηχανικών",
    "Greek Mythology": "Ελληνικής Μυθολογίας",
    "Computer Networks & Security": "Δικτύων Υπολογιστών και Ασφάλειας",
    "Law": "Νομικής",
    "Physics": "Φυσικής",
    "Government and Politics": "Διακυβέρνησης και Πολιτικής",
    "Art": "Τέχνης",
    "Greek Literature": "Νεοελληνικής Λογοτεχνίας",
    "World History": "Παγκόσμιας Ιστορίας",
    "General Knowledge": "Γενικών Γνώσεων",
    "World Religions": "Παγκόσμιων Θρησκειών",
    "Mathematics": "Μαθηματικών",
    "Clinical Knowledge": "Κλινικών Γνώσεων",
    "Driving Rules": "Κανόνων Οδικής Κυκλοφορίας",
    "Biology": "Βιολογίας",
    "Civil Engineering": "Πολιτικών Μηχανικών",
    "Computer Science": "Επιστήμης Υπολογιστών",
    "Geography": "Γεωγραφίας",
    "Chemistry": "Χημείας",
    "Prehistory": "Προϊστορίας",
    "Agriculture": "Γεωργίας",
    "Modern Greek Language": "Νεοελληνικής Γλώσσας",
    "Accounting": "Λογιστικής",
    "Greek History": "Ελληνικής Ιστορίας",
    "Management": "Διοίκησης Επιχειρήσεων",
    "Greek Traditions": "Ελληνικών Παραδόσεων",
    "Maritime Safety and Rescue Operations": "Ναυαγοσωστικων Λειτουργιών και Ασφάλειας στη Θάλασσα",
  ]
}
