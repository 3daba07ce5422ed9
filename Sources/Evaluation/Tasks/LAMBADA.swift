extension BuiltInTask {
  /// LAMBADA (Paperno et al. 2016): the last word of a passage. This is the detokenised, cased text that GPT-2 was scored
  /// on. Rows: text.
  static let lambadaOpenAI = BuiltInTask(
    "lambada_openai", tags: ["lambada"],
    #"""
    tag: lambada
    task: lambada_openai
    dataset_path: EleutherAI/lambada_openai
    dataset_name: default
    output_type: loglikelihood
    test_split: test
    doc_to_text: "{{text.split(' ')[:-1]|join(' ')}}"
    doc_to_target: "{{' '+text.split(' ')[-1]}}"
    should_decontaminate: true
    doc_to_decontamination_query: "{{text}}"
    metric_list:
      - metric: perplexity
        aggregation: perplexity
        higher_is_better: false
      - metric: acc
        aggregation: mean
        higher_is_better: true
    metadata:
      version: 1.0
    """#)

  /// The original text, tokenised and in lower case.
  static let lambadaStandard = BuiltInTask(
    "lambada_standard", tags: ["lambada"],
    #"""
    tag: lambada
    task: lambada_standard
    dataset_path: cimec/lambada
    output_type: loglikelihood
    validation_split: validation
    test_split: test
    doc_to_text: "{{text.split(' ')[:-1]|join(' ')}}"
    doc_to_target: "{{' '+text.split(' ')[-1]}}"
    should_decontaminate: true
    doc_to_decontamination_query: "{{text}}"
    metric_list:
      - metric: perplexity
        aggregation: perplexity
        higher_is_better: false
      - metric: acc
        aggregation: mean
        higher_is_better: true
    metadata:
      version: 1.0
    """#)
}
